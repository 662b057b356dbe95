"""One's own account: name, signed-in browsers, what is held, erasure."""

import uuid

from flask import Response

from wxapi.identity.rules import PersonKind
from wxapi.identity.services import erasure, invitations, personal_data, profile, web_sessions
from wxapi.identity.wire import me as wire
from wxapi.kernel.permissions import Permission
from wxapi.platform import idempotency
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import dumps
from wxapi.web.kit import access, forms
from wxapi.web.kit.render import page, see
from wxapi.web.login.blueprint import room


@room.get("/account")
@guard(Permission.SIGNED_IN)
def show_account() -> Response:
    """Who one is here, and where one is signed in."""
    actor, now = current_actor(), runtime().clock.now()
    return page(
        "login/account.html",
        profile=profile.read_me(actor, now=now),
        kinds=[kind.value for kind in PersonKind],
        sessions=web_sessions.sessions_of(actor.user_id, access.session_token() or "", now=now),
    )


@room.post("/account")
@guard(Permission.SIGNED_IN)
def change_account() -> Response:
    """Change name and kind. It carries no `version`: nobody else changes them, and what one sends last one means."""
    filled = forms.filled("nickname", "kind")
    body = forms.load(wire.ChangeMe, {"nickname": filled.get("nickname", ""), "kind": filled.get("kind")})
    profile.change_me(current_actor(), **body, now=runtime().clock.now())
    return see("/account")


@room.post("/account/invitation")
@guard(Permission.SIGNED_IN)
@limited("10/hour")
def redeem_invitation() -> Response:
    """Bring the code of a slip."""
    body = forms.load(wire.InvitationBody, forms.filled("invitation"))
    invitations.redeem(current_actor().user_id, body["invitation"], now=runtime().clock.now())
    return see("/account")


@room.post("/account/logout")
@guard(Permission.SIGNED_IN)
def log_out() -> Response:
    """Sign this browser out."""
    web_sessions.end_session(access.session_token() or "", now=runtime().clock.now())
    return _gone("logged_out")


@room.post("/account/sessions/end")
@guard(Permission.SIGNED_IN)
def log_out_everywhere() -> Response:
    """Sign all browsers out, this one included."""
    web_sessions.end_all_sessions(current_actor(), now=runtime().clock.now())
    return _gone("logged_out")


@room.post("/account/sessions/<uuid:session_id>/end")
@guard(Permission.SIGNED_IN)
def end_session(session_id: uuid.UUID) -> Response:
    """Sign one browser out."""
    web_sessions.end_own_session(current_actor(), session_id, now=runtime().clock.now())
    return see("/account")


@room.get("/account/data")
@guard(Permission.SIGNED_IN)
@limited("10/hour")
def my_data() -> Response:
    """Everything held about the person, as a file."""
    everything = personal_data.read_everything(current_actor(), now=runtime().clock.now())
    headers = {"Content-Disposition": 'attachment; filename="my-data.json"', "Cache-Control": "no-store"}
    return Response(dumps(wire.everything_dict(everything)), content_type="application/json", headers=headers)


@room.post("/account/erase")
@guard(Permission.SIGNED_IN)
@idempotency.never_kept  # a key goes with its person, and who sends it again is signed out
def erase() -> Response:
    """Erase the person; the tick says that they read what it means."""
    if not forms.filled("understood"):
        return see("/account#erase")
    erasure.ask_erasure(current_actor(), now=runtime().clock.now())
    return _gone("erased")


def _gone(how: str) -> Response:
    response = see(f"/?done={how}")
    access.drop_cookie(response, access.session_cookie())
    return response
