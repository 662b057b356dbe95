"""What `make run` reads from the environment; everything else the demo makes up, once, and keeps in its data folder."""

import base64
import json
import os
import secrets
import string
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wxapi.demo.errors import DemoError

APPID = "wx0123456789abcdef"
_KEYS_FILE = "keys.json"


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """Addresses and folders of one copy of the demo."""

    host: str
    port: int
    fake_wechat_port: int
    folder: Path
    database_url: str | None
    redis_url: str | None
    storage_url: str | None
    fake_wechat_host: str = "127.0.0.1"
    # The shell names an AppID and AppSecret of its own, such as a test account's: no fake is started.
    real_wechat: bool = False

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "DemoSettings":
        """Read the settings.

        Raises:
            DemoError: naming the variable and what it wants.
        """
        settings = cls(
            host=environ.get("WXAPI_HOST") or "127.0.0.1",
            port=_port(environ, "WXAPI_PORT", 8000),
            fake_wechat_port=_port(environ, "WXAPI_FAKE_WECHAT_PORT", 8001),
            folder=Path(environ.get("WXAPI_DATA_DIR") or "var").expanduser().resolve(),
            database_url=environ.get("DATABASE_URL") or None,
            redis_url=environ.get("REDIS_URL") or None,
            storage_url=environ.get("STORAGE_URL") or None,
            fake_wechat_host=environ.get("WXAPI_FAKE_WECHAT_HOST") or "127.0.0.1",
            real_wechat=_real_wechat(environ),
        )
        if settings.port == settings.fake_wechat_port:
            raise DemoError("WXAPI_PORT and WXAPI_FAKE_WECHAT_PORT are the same; they want two different ports.")
        return settings

    @property
    def url(self) -> str:
        """Where this machine reaches the API."""
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
        return f"http://{everywhere.get(self.host, self.host)}:{self.port}"

    @property
    def fake_wechat_url(self) -> str:
        """Where this machine reaches the fake WeChat, which listens on loopback unless told otherwise."""
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
        return f"http://{everywhere.get(self.fake_wechat_host, self.fake_wechat_host)}:{self.fake_wechat_port}"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def metrics(self) -> Path:
        """Where the processes of the API and the workers leave their counters."""
        return self.folder / "metrics"


def _real_wechat(environ: Mapping[str, str]) -> bool:
    own = [name for name in ("WECHAT_APPID", "WECHAT_SECRET") if environ.get(name)]
    if len(own) == 1:
        raise DemoError(f"{own[0]} is set alone; a WeChat of your own wants WECHAT_APPID and WECHAT_SECRET.")
    return bool(own)


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise DemoError(f"{name} wants a port number from 1 to 65535.")
    return int(text)


def product_environment(
    settings: DemoSettings, keys: Mapping[str, str], *, database_url: str, redis_url: str
) -> dict[str, str]:
    """The environment of the API and the workers: the operator's own, completed by the demo's."""
    made = {
        "WXAPI_ENV": "development",
        "WXAPI_PUBLIC_URL": os.environ.get("WXAPI_PUBLIC_URL") or settings.url,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "STORAGE_URL": settings.storage_url or f"file://{settings.folder / 'files'}",
        "PROMETHEUS_MULTIPROC_DIR": str(settings.metrics),
        "PYTHONUNBUFFERED": "1",
        **_temporary(settings.folder),
    }
    if settings.real_wechat:
        ours = {name: value for name, value in keys.items() if not name.startswith("WECHAT_")}
        return {**os.environ, **ours, **made}
    # Beside the fake the clock can be shifted: POST /_fake/clock.
    return {
        "WXAPI_CLOCK_OFFSET_S": "0",
        **os.environ,
        **keys,
        **made,
        "WECHAT_BASE_URL": settings.fake_wechat_url,
    }


def _temporary(folder: Path) -> dict[str, str]:
    """Where sheets are made and large bodies wait, on a machine that has no such place for this user."""
    with suppress(FileNotFoundError):
        # Python's last resort is the folder one stands in: the checkout, or whatever else that is.
        if Path(tempfile.gettempdir()) != Path.cwd():
            return {}
    own = folder / "tmp"
    own.mkdir(mode=0o700, exist_ok=True)
    return {"TMPDIR": str(own)}


def keys_of(folder: Path, *, database_exists: bool) -> dict[str, str]:
    """The secrets of this copy as settings of the product, made at the first start and kept for the owner's eyes.

    Raises:
        DemoError: the file is damaged, or missing beside a database whose people it had sealed.
    """
    path = folder / _KEYS_FILE
    if path.exists():
        return _read_keys(path)
    if database_exists:
        raise DemoError(
            f"{path} is missing, and without its keys nobody in the database is known any more. Put it back from a "
            f"backup, or remove {folder} to begin again."
        )
    keys = _new_keys()
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:  # noqa: PTH123 - the mode from the first byte on
        json.dump(keys, file, indent=1)
    draft.replace(path)
    return keys


def _read_keys(path: Path) -> dict[str, str]:
    try:
        keys = json.loads(path.read_text(encoding="ascii"))
    except ValueError:
        keys = None
    if not isinstance(keys, dict) or keys.keys() != _new_keys().keys():
        raise DemoError(f"{path} is damaged. Put it back from a backup, or remove {path.parent} to begin again.")
    return keys


def _new_keys() -> dict[str, str]:
    def key() -> str:
        return base64.b64encode(secrets.token_bytes(32)).decode()

    return {
        "WXAPI_ENCRYPTION_KEYS": f"k1:{key()}",
        "WXAPI_LOOKUP_KEY": key(),
        "WXAPI_SIGNING_KEYS": key(),
        "WECHAT_APPID": APPID,
        "WECHAT_SECRET": secrets.token_hex(16),
        "WECHAT_PUSH_TOKEN": secrets.token_hex(16),
        "WECHAT_PUSH_AES_KEY": _push_key(),
    }


def _push_key() -> str:
    """An EncodingAESKey: 32 bytes in base64 without the "=" at the end; WeChat's have letters and digits only."""
    letters = string.ascii_letters + string.digits
    # The last character holds four bits of the key; the two below them are zero.
    return "".join(secrets.choice(letters) for _ in range(42)) + secrets.choice("AEIMQUYcgkosw048")
