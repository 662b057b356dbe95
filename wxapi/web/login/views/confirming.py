"""Asking the phone again who sits here, before somebody changes who holds which office."""

from flask import Response, jsonify, request

from wxapi.identity.rules import WebLoginState
from wxapi.identity.services import confirming, web_logins
from wxapi.identity.services.web_logins import LoginAttempt
from wxapi.identity.services.web_sessions import Device
from wxapi.kernel.errors import not_found
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.runtime import runtime
from wxapi.web.kit import access
from wxapi.web.kit.render import page, see
from wxapi.web.login import demo
from wxapi.web.login.blueprint import room
from wxapi.web.login.devices import browser_of, place_of
from wxapi.web.login.drawn import code_of


@room.get("/confirm")
@guard(Permission.SIGNED_IN)
@limited("60/minute")
def show_confirmation() -> Response:
    """A new question to the phone, with its code and its number."""
    attempt, secret = _begin(access.local_path(request.args.get("next")))
    return _waiting(attempt, secret)


@room.get("/confirm/state")
@guard(Permission.SIGNED_IN)
def confirmation_state() -> Response:
    """What the phone said, for the page that waits."""
    outcome = _ask(access.login_secret())
    response: Response = jsonify(state=outcome.state.value, next=outcome.next_path)
    response.headers["Cache-Control"] = "no-store"
    return response


@room.get("/confirm/continue")
@guard(Permission.SIGNED_IN)
def go_on_confirmed() -> Response:
    """The same for browsers without JavaScript."""
    secret, now = access.login_secret(), runtime().clock.now()
    outcome = _ask(secret)
    if outcome.state is WebLoginState.GRANTED:
        return see(access.local_path(outcome.next_path))
    attempt = web_logins.attempt_of(secret, now=now) if secret else None
    if secret is None or attempt is None or attempt.state is not WebLoginState.WAITING:
        return see("/confirm")
    return _waiting(attempt, secret)


@room.post("/confirm/demo")
@guard(Permission.SIGNED_IN)
def confirm_in_demo() -> Response:
    """Have the demo play the phone.

    It says at once what the phone would: a phone that logs in and out again changes what its person may do, and this
    request of theirs with it.
    """
    if not demo.is_open(runtime().config):
        raise not_found()
    # An attempt of its own: the one on the page may have died while somebody read it.
    attempt, secret = _begin(access.local_path(request.form.get("next")))
    web_logins.confirm(current_actor(), attempt.id, attempt.number, now=runtime().clock.now())
    return see(access.local_path(_ask(secret).next_path))


def _ask(secret: str | None) -> web_logins.LoginAnswer:
    return confirming.ask_browser(secret, access.session_token() or "", now=runtime().clock.now())


def _begin(next_path: str) -> tuple[LoginAttempt, str]:
    device = Device(browser_of(request.headers.get("User-Agent", "")), place_of(request.remote_addr))
    return web_logins.begin(device, next_path, asks=current_actor().user_id, now=runtime().clock.now())


def _waiting(attempt: LoginAttempt, secret: str) -> Response:
    config = runtime().config
    address = f"{config.public_url}/l/{attempt.id}"
    response = page(
        "login/confirm.html",
        attempt=attempt,
        address=address,
        code=code_of(attempt, address),
        is_demo=demo.is_open(config),
    )
    access.bind_login(response, secret)
    return response
