"""Who opens a page: an opaque cookie, and nothing else. A bearer token opens no page, a cookie no call of the API."""

from typing import cast
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from flask import Flask, Response, request

from wxapi.identity.rules import WEB_MAX_AGE
from wxapi.identity.services.web_sessions import authenticate
from wxapi.kernel.actor import Actor
from wxapi.kernel.addresses import is_loopback
from wxapi.platform import problems
from wxapi.platform.runtime import runtime

_UNREAD = object()
# What is known of one request lies with it.
_ACTOR, _LOGIN = "wxapi.page_actor", "wxapi.login_secret"
_LOGIN_MAX_AGE = 600
# Parts of an address that tell of a step that was taken; what was typed after it is another.
_TOLD_ONCE = {"done", "merged"}


def page_actor(*, anew: bool = False) -> Actor | None:
    """The person whose session cookie came with this request; None for a stranger. Read once a request, or `anew`."""
    found = _UNREAD if anew else request.environ.get(_ACTOR, _UNREAD)
    if found is _UNREAD:
        token = session_token()
        found = request.environ[_ACTOR] = authenticate(token, now=runtime().clock.now()) if token else None
    return cast("Actor | None", found)


def know_if_possible(*, ask: bool) -> None:
    """Let a page that tells of trouble be made without the database: for nobody, where it is not asked or is away."""
    try:
        if ask:
            page_actor()
    except problems.LOST:
        pass
    request.environ.setdefault(_ACTOR, None)


def install(app: Flask) -> None:
    """Make a page that is open to all know who asks, if anybody."""
    app.jinja_env.globals["visitor"] = page_actor


def session_token() -> str | None:
    """What the session cookie holds, unless it cannot be a token."""
    return _cookie(session_cookie())


def login_secret() -> str | None:
    """What binds a login attempt to this browser."""
    return _cookie(login_cookie())


def browser_secret() -> str:
    """What the seal of forms is made over: the session while there is one, else the login attempt."""
    if page_actor() is not None:
        return f"session:{session_token()}"
    return f"login:{request.environ.get(_LOGIN) or login_secret() or ''}"


def seal_forms_with(secret: str) -> None:
    """Make the forms of the page that is being made good for a login attempt whose cookie goes out with it."""
    request.environ[_LOGIN] = secret


def session_cookie() -> str:
    """`__Host-wx`; plain `wx` where no https is to be had, on this machine."""
    return "wx" if _is_plain() else "__Host-wx"


def login_cookie() -> str:
    """The cookie of a login attempt."""
    return "wx-login" if _is_plain() else "__Host-wx-login"


def text_cookie() -> str:
    """The cookie of what was typed into a form whose session had ended."""
    return "wx-text" if _is_plain() else "__Host-wx-text"


def keep_text(response: Response, value: str, seconds: int) -> None:
    """Let the browser keep what was typed, sealed."""
    _set(response, text_cookie(), value, seconds)


def give_session(response: Response, token: str) -> None:
    """Give the browser its session; the attempt that led to it is over."""
    _set(response, session_cookie(), token, int(WEB_MAX_AGE.total_seconds()))
    drop_cookie(response, login_cookie())


def bind_login(response: Response, secret: str) -> None:
    """Bind a login attempt to this browser; call `seal_forms_with` before its page is made."""
    _set(response, login_cookie(), secret, _LOGIN_MAX_AGE)


def drop_cookie(response: Response, name: str) -> None:
    """Make the browser forget a cookie."""
    _set(response, name, "", 0)


def local_path(path: str | None) -> str:
    """The path itself when it leads into this site, else `/`: nothing else is ever followed."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")) or len(path) > 1000:
        return "/"
    if any(ord(character) <= 0x20 or ord(character) == 0x7F or character == "\\" for character in path):
        return "/"
    parts = urlsplit(path)
    return "/" if parts.scheme or parts.netloc else path


def way_in() -> str:
    """Where somebody without a session goes, and from where back to what was asked for."""
    return "/login?next=" + _wanted()


def way_to_confirm() -> str:
    """Where somebody goes whose phone is asked again, and from where back."""
    return "/confirm?next=" + _wanted()


def came_from() -> str | None:
    """The page whose form was sent, where what was typed and ticked finds its place again; None if nothing tells it."""
    came = urlsplit(request.referrer or "")
    own = {request.host, urlsplit(runtime().config.public_url).netloc}
    if request.method in {"GET", "HEAD"} or came.netloc not in own:
        return None
    query = urlencode([each for each in parse_qsl(came.query) if each[0] not in _TOLD_ONCE])
    return local_path((came.path or "/") + (f"?{query}" if query else ""))


def _wanted() -> str:
    wanted = request.full_path.rstrip("?") if request.method in {"GET", "HEAD"} else came_from()
    return quote(local_path(wanted), safe="/")


def _set(response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", secure=not _is_plain(), httponly=True, samesite="Lax")


def _cookie(name: str) -> str | None:
    value = request.cookies.get(name, "")
    return value if 20 <= len(value) <= 200 and value.isascii() else None


def _is_plain() -> bool:
    return not request.is_secure and is_loopback(urlsplit(request.host_url).hostname or "")
