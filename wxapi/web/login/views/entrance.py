"""The way in: the front page, login by scan, and the demo's picker."""

from flask import Response, jsonify, request

from wxapi.identity.rules import WebLoginState
from wxapi.identity.services import web_logins
from wxapi.identity.services.web_logins import LoginAnswer, LoginAttempt
from wxapi.identity.services.web_sessions import Device
from wxapi.kernel.errors import not_found
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import guard
from wxapi.platform.limits import limited
from wxapi.platform.runtime import runtime
from wxapi.web.kit import access, forms
from wxapi.web.kit.render import menu_of, page, see
from wxapi.web.login import demo
from wxapi.web.login.blueprint import room
from wxapi.web.login.devices import browser_of, place_of
from wxapi.web.login.drawn import code_of

_DONE = {"logged_out": "您已退出登录。", "erased": "您的账户已注销。"}


@room.get("/")
@guard(Permission.PUBLIC)
def start() -> Response:
    """Each person's own start; a stranger reads what this is."""
    actor = access.page_actor()
    if actor is None:
        return page(
            "login/welcome.html", demo=demo.is_open(runtime().config), done=_DONE.get(request.args.get("done", ""))
        )
    first = next(menu_of(actor), None)
    return see(first.path if first else "/account")


@room.get("/login")
@guard(Permission.PUBLIC)
@limited("300/minute")
def show_login() -> Response:
    """A new attempt, with its code and its number."""
    next_path = access.local_path(request.args.get("next"))
    if access.page_actor() is not None:
        return see(next_path)
    attempt, secret = _begin(next_path)
    return _waiting(attempt, secret)


@room.get("/login/state")
@guard(Permission.PUBLIC)
def login_state() -> Response:
    """What became of this browser's attempt, for the page that waits."""
    outcome = web_logins.ask(access.login_secret(), now=runtime().clock.now())
    response: Response = jsonify(state=outcome.state.value, next=outcome.next_path)
    response.headers["Cache-Control"] = "no-store"
    return _admitted(response, outcome)


@room.get("/login/continue")
@guard(Permission.PUBLIC)
def go_on() -> Response:
    """The same for browsers without JavaScript."""
    secret, now = access.login_secret(), runtime().clock.now()
    outcome = web_logins.ask(secret, now=now)
    if outcome.token:
        return _admitted(see(access.local_path(outcome.next_path)), outcome)
    attempt = web_logins.attempt_of(secret, now=now) if secret else None
    if secret is None or attempt is None or attempt.state is not WebLoginState.WAITING:
        return see("/login")
    return _waiting(attempt, secret)


@room.post("/login/demo")
@guard(Permission.PUBLIC)
def enter_demo() -> Response:
    """Be one of the demo's people."""
    if not demo.is_open(runtime().config):
        raise not_found()
    now = runtime().clock.now()
    # An attempt of its own: the one on the page may have died while somebody read it.
    attempt, secret = _begin(access.local_path(request.form.get("next")))
    demo.play_phone(forms.filled("openid").get("openid", ""), attempt, now=now)
    outcome = web_logins.ask(secret, now=now)
    return _admitted(see(access.local_path(outcome.next_path)), outcome)


@room.get("/l/<string:login_id>")
@guard(Permission.PUBLIC)
def explain_login(login_id: str) -> Response:
    """Where a login code leads whose reader does not know the mini program. Tells nothing of the attempt."""
    del login_id
    return page("login/explain_login.html")


def _begin(next_path: str) -> tuple[LoginAttempt, str]:
    device = Device(browser_of(request.headers.get("User-Agent", "")), place_of(request.remote_addr))
    return web_logins.begin(device, next_path, now=runtime().clock.now())


def _waiting(attempt: LoginAttempt, secret: str) -> Response:
    config = runtime().config
    address = f"{config.public_url}/l/{attempt.id}"
    access.seal_forms_with(secret)
    response = page(
        "login/login.html",
        attempt=attempt,
        address=address,
        code=code_of(attempt, address),
        faces=list(demo.faces()) if demo.is_open(config) else [],
    )
    access.bind_login(response, secret)
    return response


def _admitted(response: Response, outcome: LoginAnswer) -> Response:
    if outcome.token:
        access.give_session(response, outcome.token)
    return response
