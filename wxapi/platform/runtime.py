"""What a running process holds: config, clock, Redis, files, WeChat, seals. `runtime()` finds it from anywhere."""

from dataclasses import dataclass

from flask import Flask
from redis import Redis

from config import Config
from wxapi.kernel.clock import Clock
from wxapi.platform.cipher import Cipher
from wxapi.platform.present import this_app
from wxapi.platform.storage import Storage
from wxapi.platform.wechat.client import WeChatClient

_KEY = "wxapi"


@dataclass(slots=True)
class Runtime:
    """The parts, made once by `create_app`; tests exchange the clock."""

    config: Config
    clock: Clock
    redis: "Redis"
    storage: Storage
    wechat: WeChatClient
    cipher: Cipher


def install(app: Flask, parts: Runtime) -> None:
    """Give the app its parts."""
    app.extensions[_KEY] = parts


def runtime() -> Runtime:
    """The parts of the current app. Needs an app context, as requests and jobs have."""
    parts: Runtime = this_app().extensions[_KEY]
    return parts
