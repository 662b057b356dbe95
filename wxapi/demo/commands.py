"""The command line of each process of the demo, and what is said when all of them run."""

import os
import sys
from collections.abc import Mapping

from wxapi.demo.settings import DemoSettings

PREPARE = [sys.executable, "-m", "wxapi.demo.prepare"]
WORKERS = [sys.executable, "-m", "workers"]
_WELCOME = """\

Log in as a demo person and see who you are:
  CODE=$(curl -s {fake}/_fake/login -d '{{"openid":"reporter-1"}}' | cut -d'"' -f4)
  curl -s {url}/api/v1/auth/wechat -H 'Content-Type: application/json' -d "{{\\"code\\":\\"$CODE\\"}}"

People: reporter-1 … reporter-50, worker-421002001001, officer-421002001, chief-421002001,
        supervisor-421002, organiser-421002, steward-421002, clerk-421002-cg, supervisor-4210, admin-4210,
        auditor-4210
Pages: {url}/   OpenAPI: {url}/api/v1/openapi.json   First report: README.md   Logs: {logs}
Days pass at once: curl {fake}/_fake/clock -d '{{"offset_s":604800}}'
Commands of an operator, in another terminal: .venv/bin/python -m wxapi.demo flask doctor
Ctrl-C ends everything; the data stay."""
_WELCOME_REAL = """\

Logins go to the WeChat of WECHAT_APPID: log in from its mini program.
Pages: {url}/   OpenAPI: {url}/api/v1/openapi.json   First report: README.md   Logs: {logs}
Commands of an operator, in another terminal: .venv/bin/python -m wxapi.demo flask doctor
Ctrl-C ends everything; the data stay."""


def api(settings: DemoSettings) -> list[str]:
    """Granian, two to four processes; one that dies is replaced."""
    options = {
        "interface": "rsgi",
        "host": settings.host,
        "port": str(settings.port),
        "http": "1",
        "workers": str(max(2, min(4, os.cpu_count() or 1))),
        "workers-kill-timeout": "5",
    }
    return [sys.executable, "-m", "granian", *_words(options), "--no-ws", "--respawn-failed-workers", "wsgi:front"]


def fake_wechat(settings: DemoSettings) -> list[str]:
    """The fake WeChat, which pushes its events to the API; it reads its keys, the API's own, from the environment."""
    options = {
        "host": settings.fake_wechat_host,
        "port": str(settings.fake_wechat_port),
        "push-url": f"{settings.url}/api/v1/wechat/push",
    }
    return [sys.executable, "-m", "wxapi.demo.fake_wechat", *_words(options)]


def welcome(settings: DemoSettings) -> str:
    """What to try."""
    if settings.real_wechat:
        return _WELCOME_REAL.format(url=settings.url, logs=settings.logs)
    return _WELCOME.format(url=settings.url, fake=settings.fake_wechat_url, logs=settings.logs)


def _words(options: Mapping[str, str]) -> list[str]:
    return [word for name, value in options.items() for word in (f"--{name}", value)]
