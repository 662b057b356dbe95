"""The code of a login attempt: a link, or the mini program's own code where WeChat opens no links of this city's."""

import base64
from collections.abc import Callable
from contextlib import suppress

from markupsafe import Markup
from redis.exceptions import RedisError

from wxapi.identity.rules import WEB_LOGIN_LIFE
from wxapi.identity.services.web_logins import LoginAttempt
from wxapi.kernel.errors import UnavailableError
from wxapi.platform.runtime import runtime
from wxapi.scenes.rules import SceneKind
from wxapi.scenes.services import is_jpeg, passing_picture
from wxapi.web.kit.svg import qr
from wxapi.web.login import demo

WEB_LOGIN = SceneKind("web_login", "电脑登录")


def code_of(attempt: LoginAttempt, address: str) -> Markup:
    """What the screen shows of an attempt, as an element; a link where WeChat is slow or away, and in the demo."""
    config = runtime().config
    if config.login_link or demo.is_open(config):
        return qr(address)
    try:
        picture = _kept(f"wxapi:login-code:{attempt.id}", lambda: passing_picture(attempt.id))
    except UnavailableError:
        return qr(address)
    kind = "jpeg" if is_jpeg(picture) else "png"
    data = base64.b64encode(picture).decode()
    return Markup('<img class="qr" src="data:image/{};base64,{}" alt="">').format(kind, data)


def _kept(key: str, draw: Callable[[], bytes]) -> bytes:
    """Drawn once for as long as the attempt lives: a browser without scripts asks for its page every three seconds."""
    redis = runtime().redis
    with suppress(RedisError):
        kept = redis.get(key)
        if isinstance(kept, bytes):
            return kept
    picture = draw()
    with suppress(RedisError):
        redis.set(key, picture, ex=WEB_LOGIN_LIFE)
    return picture
