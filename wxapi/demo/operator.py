"""`python -m wxapi.demo flask …`: a command of the operator on the demo that runs, with that demo's own settings."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from wxapi.demo import preflight
from wxapi.demo.errors import DemoError

_FILE = "environment.json"
_WSGI = Path(__file__).resolve().parents[2] / "wsgi.py"
# What the product reads; the rest is the shell's, and the folder of counters is for processes that stay.
_OURS = ("WXAPI_", "WECHAT_", "AWS_", "DATABASE_URL", "REDIS_URL", "STORAGE_URL")


def keep(folder: Path, environ: Mapping[str, str]) -> None:
    """Note the settings of a demo that is ready now, keys among them, for the owner's eyes."""
    path = folder / _FILE
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123 - the mode from the first byte on
        json.dump({name: value for name, value in environ.items() if name.startswith(_OURS)}, file)


def forget(folder: Path) -> None:
    """The demo is about to end."""
    (folder / _FILE).unlink(missing_ok=True)


def settings_of(folder: Path) -> dict[str, str]:
    """The settings of the demo that runs on a data folder.

    Raises:
        DemoError: none runs there, or it is not ready yet.
    """
    if not preflight.runs(folder):
        raise DemoError(f"no demo runs on {folder}. Start it by `make run`, with the same WXAPI_DATA_DIR.")
    try:
        found: dict[str, str] = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DemoError(f"the demo on {folder} is not ready. Wait until it says `ready`.") from None
    return found


def flask(folder: Path, arguments: Sequence[str]) -> None:
    """Become `flask` with these arguments, in the folder one stands in; never returns.

    Raises:
        DemoError: as `settings_of`.
    """
    others = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    command = [sys.executable, "-m", "flask", "--app", str(_WSGI), *arguments]
    os.execve(sys.executable, command, {**others, **settings_of(folder)})  # noqa: S606 - the whole purpose
