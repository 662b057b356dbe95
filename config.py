"""Every setting, read once from the environment into one frozen value.

A missing or silly setting stops the start with a sentence that names the variable and what it wants.
`Config.from_env` reads no file and has no side effect.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from wxapi.kernel import setting_texts as texts
from wxapi.kernel.addresses import is_loopback
from wxapi.kernel.permissions import Role

# Read by `make`, `python -m wxapi.demo` and the tests, which hand their environment on to the API.
_OF_THE_RUNNER = (
    "WXAPI_PORT",
    "WXAPI_FAKE_WECHAT_PORT",
    "WXAPI_FAKE_WECHAT_HOST",
    "WXAPI_FAKE_WECHAT_ANY_CODE",
    "WXAPI_DATA_DIR",
    "WXAPI_DEMO_LIFE",
    "WXAPI_HOST",
    "WXAPI_FUZZ_SEED",
    "WXAPI_FUZZ_TIMES",
    "WXAPI_NEED_BROWSER",
)
ValueT = TypeVar("ValueT")


class ConfigError(Exception):
    """A setting that cannot be used; the message is for the operator."""


# How the rented machines and pods of some clouds get at keys of their own.
_STORE_ROLES = (
    "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)  # fmt: skip


class Env(StrEnum):
    """Where this process runs; `production` is strict about addresses and keys."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"
    TEST = "test"


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """Bytes that never show in a repr, a traceback or a log."""

    value: bytes

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A key and the short name that sealed data carries, so that keys can rotate."""

    name: str
    key: Secret


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration. Keys first in a list are used for new data, the others still open old data."""

    env: Env
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    storage_url: str
    public_url: str
    wechat_base_url: str
    wechat_appid: str
    wechat_secret: Secret
    wechat_push_token: Secret
    wechat_push_aes_key: Secret
    encryption_keys: tuple[NamedKey, ...]
    lookup_keys: tuple[Secret, ...]
    signing_keys: tuple[Secret, ...]
    # Of the audit's digests; empty: the look-up keys.
    audit_keys: tuple[Secret, ...] = ()
    # None: the demo city in the package.
    city_folder: Path | None = None
    log_level: str = "INFO"
    trusted_proxies: int = 0
    database_pool: int = 8
    rate_limits: bool = True
    workers: int = 1
    # None: the machine's time. A number: the clock follows the fake WeChat's orders, and begins so many seconds ahead.
    clock_offset_s: float | None = None
    # Days by category of what is kept, where they are not the feature's own; judged when the app is made.
    retention: Mapping[str, int] = field(default_factory=dict)
    # Days the file of an export is kept.
    export_days: int = 7
    # Whether WeChat opens the link in the code of the desk's login; else the code is the mini program's own.
    login_link: bool = True
    # Credit hours a year by role; `default` for everybody else.
    training_goals: Mapping[str, int] = field(default_factory=lambda: {"default": 32, "street_chief": 56})

    # Names in the environment that nobody reads, perhaps misspelt.
    unknown: tuple[str, ...] = ()

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Config":
        """Read and judge all settings.

        Raises:
            ConfigError: naming the variable and what it wants.
        """
        read = _Reader(environ)
        env = read("WXAPI_ENV", Env, default="production", wants="production, development or test")
        config = cls(
            env=env,
            database_url=read("DATABASE_URL", texts.database_url, wants="postgresql://user:password@host/name"),
            redis_url=read("REDIS_URL", texts.redis_url, wants="redis://host:6379/0, rediss:// or unix://"),
            storage_url=read("STORAGE_URL", texts.storage_url, wants="file:///folder or s3://bucket/prefix"),
            public_url=read("WXAPI_PUBLIC_URL", texts.web_url, wants="the https address phones reach this API by"),
            wechat_base_url=read(
                "WECHAT_BASE_URL", texts.web_url, default="https://api.weixin.qq.com", wants="an https address"
            ),
            wechat_appid=read("WECHAT_APPID", texts.plain, wants="the mini program's AppID"),
            wechat_secret=read("WECHAT_SECRET", _secret_text, wants="the mini program's AppSecret"),
            wechat_push_token=read("WECHAT_PUSH_TOKEN", _optional_secret, default="", wants="text"),
            wechat_push_aes_key=read(
                "WECHAT_PUSH_AES_KEY", _push_key, default="", wants="the 43-character EncodingAESKey"
            ),
            encryption_keys=read(
                "WXAPI_ENCRYPTION_KEYS",
                _named_keys,
                wants="name:base64 of 32 bytes, several separated by commas",
            ),
            lookup_keys=read("WXAPI_LOOKUP_KEY", _keys, wants="base64 of 32 bytes, several separated by commas"),
            signing_keys=read("WXAPI_SIGNING_KEYS", _keys, wants="base64 of 32 bytes, several separated by commas"),
            audit_keys=read(
                "WXAPI_AUDIT_KEYS", _optional_keys, default="", wants="base64 of 32 bytes, several separated by commas"
            ),
            city_folder=read(
                "WXAPI_CITY_FOLDER", texts.folder, default="none", wants="the folder of the city's own rules"
            ),
            log_level=read("WXAPI_LOG_LEVEL", texts.log_level, default="INFO", wants="DEBUG, INFO, WARNING or ERROR"),
            trusted_proxies=read(
                "WXAPI_TRUSTED_PROXIES", texts.whole(0, 9), default="0", wants="a number of proxies, 0 to 9"
            ),
            database_pool=read("WXAPI_DATABASE_POOL", texts.whole(1, 100), default="8", wants="connections, 1 to 100"),
            rate_limits=read("WXAPI_RATE_LIMITS", texts.switch, default="on", wants="on or off"),
            workers=read(
                "WXAPI_WORKERS", texts.whole(1, 64), default="1", wants="worker processes for each queue, 1 to 64"
            ),
            clock_offset_s=read(
                "WXAPI_CLOCK_OFFSET_S", texts.clock_offset, default="none", wants="seconds, e.g. 604800"
            ),
            retention=read(
                "WXAPI_RETENTION",
                texts.days_by_category,
                default="",
                wants="category=days, separated by commas",
            ),
            export_days=read("WXAPI_EXPORT_DAYS", texts.whole(1, 90), default="7", wants="days, 1 to 90"),
            login_link=read("WXAPI_LOGIN_LINK", texts.switch, default="on", wants="on or off"),
            training_goals=read(
                "WXAPI_TRAINING_GOALS",
                texts.training_goals,
                default="default=32,street_chief=56",
                wants="default=hours and role=hours, separated by commas; roles are " + ", ".join(Role),
            ),
            unknown=tuple(sorted(name for name in environ if name.startswith("WXAPI_") and name not in read.known)),
        )
        config._refuse_plain_addresses()
        config._refuse_unsigned_store(environ)
        config._refuse_shifted_clock()
        return config

    def _refuse_plain_addresses(self) -> None:
        for name, url in (("WECHAT_BASE_URL", self.wechat_base_url), ("WXAPI_PUBLIC_URL", self.public_url)):
            parts = urlsplit(url)
            if parts.scheme == "https":
                continue
            if self.env is Env.PRODUCTION:
                raise ConfigError(f"{name} must be an https address in production.")
            if name == "WECHAT_BASE_URL" and not is_loopback(parts.hostname or ""):
                raise ConfigError(f"{name}: plain http is taken for loopback addresses only.")

    def _refuse_unsigned_store(self, environ: Mapping[str, str]) -> None:
        """Nothing signs for a bucket without keys: the library then asks the machine's cloud for some, for minutes."""
        if self.storage_url.startswith("file:") or any(environ.get(name) for name in _STORE_ROLES):
            return
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            if not environ.get(name):
                raise ConfigError(f"{name} is not set; it wants the bucket's key, for STORAGE_URL is s3://.")

    def _refuse_shifted_clock(self) -> None:
        address = urlsplit(self.wechat_base_url)
        fake = self.env is not Env.PRODUCTION and address.scheme == "http" and is_loopback(address.hostname or "")
        if self.clock_offset_s is not None and not fake:
            raise ConfigError(
                "WXAPI_CLOCK_OFFSET_S is for the fake WeChat only: WECHAT_BASE_URL must be http on loopback, and "
                "WXAPI_ENV not production."
            )


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.known = set(_OF_THE_RUNNER)

    def __call__(self, name: str, parse: Callable[[str], ValueT], *, wants: str, default: str | None = None) -> ValueT:
        self.known.add(name)
        text = self._environ.get(name, "").strip() or default
        if text is None:
            raise ConfigError(f"{name} is not set; it wants {wants}.")
        try:
            return parse(text)
        except ValueError:
            # Never repeat the value: half of these are secrets.
            raise ConfigError(f"{name} cannot be used as it is; it wants {wants}.") from None


def _secret_text(text: str) -> Secret:
    return Secret(texts.plain(text).encode())


def _optional_secret(text: str) -> Secret:
    return Secret(text.encode())


def _push_key(text: str) -> Secret:
    texts.require(len(text) in {0, 43})
    return Secret(text.encode())


def _key(text: str) -> Secret:
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError from error
    texts.require(len(raw) == 32)
    return Secret(raw)


def _keys(text: str) -> tuple[Secret, ...]:
    return tuple(_key(part.strip()) for part in text.split(","))


def _optional_keys(text: str) -> tuple[Secret, ...]:
    return _keys(text) if text else ()


def _named_keys(text: str) -> tuple[NamedKey, ...]:
    pairs = [part.strip().partition(":") for part in text.split(",")]
    names = [name for name, _, _ in pairs]
    texts.require(len(set(names)) == len(names) and all(0 < len(name.encode()) <= 16 for name in names))
    return tuple(NamedKey(name, _key(key)) for name, _, key in pairs)
