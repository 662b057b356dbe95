"""Real processes for tests: started with the settings of a `Config`, always ended, their logs kept."""

import base64
import json
import multiprocessing
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil

from config import Config


def environment(config: Config) -> dict[str, str]:
    """The environment variables that make this configuration, beside the machine's own."""

    def key(secret: Any) -> str:
        return base64.b64encode(secret.value).decode()

    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("WXAPI_", "WECHAT_"))},
        "WXAPI_ENV": config.env.value,
        "DATABASE_URL": config.database_url,
        "REDIS_URL": config.redis_url,
        "STORAGE_URL": config.storage_url,
        "WXAPI_PUBLIC_URL": config.public_url,
        "WECHAT_BASE_URL": config.wechat_base_url,
        "WECHAT_APPID": config.wechat_appid,
        "WECHAT_SECRET": config.wechat_secret.value.decode(),
        "WECHAT_PUSH_TOKEN": config.wechat_push_token.value.decode(),
        "WECHAT_PUSH_AES_KEY": config.wechat_push_aes_key.value.decode(),
        "WXAPI_ENCRYPTION_KEYS": ",".join(f"{named.name}:{key(named.key)}" for named in config.encryption_keys),
        "WXAPI_LOOKUP_KEY": ",".join(key(each) for each in config.lookup_keys),
        "WXAPI_SIGNING_KEYS": ",".join(key(secret) for secret in config.signing_keys),
        "WXAPI_LOG_LEVEL": config.log_level,
        "WXAPI_RATE_LIMITS": "on" if config.rate_limits else "off",
        "WXAPI_WORKERS": str(config.workers),
        "WXAPI_TRUSTED_PROXIES": str(config.trusted_proxies),
        **({} if config.clock_offset_s is None else {"WXAPI_CLOCK_OFFSET_S": str(config.clock_offset_s)}),
    }


# Forks programs from a server that has done the imports: seconds less each, and nothing of pytest's in them.
_SPARE = multiprocessing.get_context("forkserver")
_SPARE.set_forkserver_preload(["workers.__main__"])


def _become(module: str, arguments: list[str], environ: dict[str, str], log: str) -> None:
    """What `python -m module arguments` does, in a process already there."""
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def fork(module: str, arguments: list[str], environ: dict[str, str], log: Path) -> BaseProcess:
    """Start `python -m module arguments` with this environment; whatever it says goes to `log`."""
    process = _SPARE.Process(target=_become, args=(module, arguments, environ, str(log)))
    process.start()
    return process


class Program:
    """`python -m module …` under way; its JSON log lines are in `log`."""

    def __init__(self, module: str, arguments: list[str], config: Config, log: Path) -> None:
        self.log = log
        self.process = fork(module, arguments, environment(config), log)
        assert self.process.pid is not None
        self.pid: int = self.process.pid

    def events(self, name: str, **fields: Any) -> list[dict[str, Any]]:
        """The log events of a name whose fields are these."""
        found: list[dict[str, Any]] = []
        if not self.log.exists():
            return found
        for line in self.log.read_text(errors="replace").splitlines():
            entry = json.loads(line) if line.startswith("{") else {}
            if entry.get("event") == name and fields.items() <= entry.items():
                found.append(entry)
        return found

    def await_event(self, name: str, *, count: int = 1, seconds: float = 45, **fields: Any) -> list[dict[str, Any]]:
        """Wait for log events; fails with the log."""
        try:
            return await_true(lambda: found if len(found := self.events(name, **fields)) >= count else None, seconds)
        except AssertionError:
            said = self.log.read_text(errors="replace") if self.log.exists() else "(nothing)"
            raise AssertionError(f"no {name} {fields} in:\n{said}") from None

    def family(self) -> list[psutil.Process]:
        """It and all it started, parents first; nothing when it has ended."""
        try:
            return [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def stop(self, seconds: float = 30) -> int | None:
        """SIGTERM; returns the exit code, None when it still runs after so many seconds."""
        os.kill(self.pid, signal.SIGTERM)
        self.process.join(seconds)
        return self.process.exitcode

    def kill_family(self) -> None:
        """kill -9 of it and all it started, parents first."""
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.join(10)


def command_lines(processes: Iterable[psutil.Process]) -> list[tuple[psutil.Process, list[str]]]:
    """What each was started with, but for those that ended since they were found: their words went with them."""
    found = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            found.append((process, process.cmdline()))
    return found


def await_true(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Poll until the condition gives something true; returns it."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"still not true after {seconds} s"
        time.sleep(0.02)
