"""Signing in to a training, with the code on the hall's screen: one colour and one sentence."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Response, request

from wxapi.kernel.errors import DomainError, InvalidError, NotFoundError, not_found
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.problems import status_of
from wxapi.platform.runtime import runtime
from wxapi.training.models import Attendance
from wxapi.training.queries.session_views import SessionView
from wxapi.training.rules.attendance import State
from wxapi.training.rules.codes import MAX_CODE_LENGTH, SHORT_LENGTH
from wxapi.training.rules.sessions import SessionState
from wxapi.training.services.browse import listing, read
from wxapi.training.services.session_cache import window_of
from wxapi.training.services.signing_in import hold_code, sign_in
from wxapi.training.services.signing_out import sign_out
from wxapi.training.wire.requests import SignInBody, attempt_of
from wxapi.web.kit import forms, times
from wxapi.web.kit.render import page, see
from wxapi.web.phone.blueprint import room

_SESSIONS_SHOWN = 20
# What is said beside the time of who did not simply come and stay.
_DOUBTS = {
    State.NEEDS_REVIEW: "位置待组织者核实",
    State.LATE: "按迟到记录",
    State.LEFT_EARLY: "按早退记录",
}


@dataclass(frozen=True, slots=True)
class SignInVerdict:
    """What the page says: `colour` is `good`, `late` or `bad`."""

    colour: str
    sentence: str


@room.get("/m/sign")
@guard(Permission.SIGNED_IN)
def show_sign_in() -> Response:
    """The form; from a scanned link with session and code filled in. A code that is good now is kept for a while."""
    now, code = runtime().clock.now(), request.args.get("code", "")[:MAX_CODE_LENGTH]
    wanted = _session_id(request.args.get("session", ""))
    if wanted is None and request.args.get("session"):
        raise not_found()
    view = read(current_actor(), wanted) if wanted else None
    ticket = hold_code(current_actor(), wanted, code, now=now) if wanted and code else None
    return _sign(view, code="" if ticket else code, ticket=ticket, now=now, verdict=_standing(view, now))


@room.post("/m/sign")
@guard(Permission.SIGNED_IN)
@limited("120/minute")
def sign() -> Response:
    """Sign in, or out with `out`."""
    now = runtime().clock.now()
    session_id = _session_id(request.form.get("session", ""))
    filled = forms.filled("code", "ticket", "longitude", "latitude", "accuracy")
    try:
        if session_id is None:
            raise InvalidError("session_missing", "请选择培训场次。", fields={"session": ["请选择培训场次。"]})
        if not filled.keys() & {"code", "ticket"}:
            raise InvalidError("code_missing", "请填写签到码。", fields={"code": ["请填写签到码。"]})
        attempt = attempt_of(forms.load(SignInBody, _body(filled)))
        (sign_out if request.form.get("out") else sign_in)(current_actor(), session_id, attempt, now=now)
    except NotFoundError:
        raise
    except DomainError as error:
        view = read(current_actor(), session_id) if session_id else None
        verdict = SignInVerdict("bad", error.detail)
        return _sign(view, code=filled.get("code", ""), ticket=None, now=now, verdict=verdict, error=error)
    return see(f"/m/sign?session={session_id}")


def _session_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _body(filled: dict[str, str]) -> dict[str, object]:
    """A sign-in's body; a position that is none is left out, and the record is looked at by the organiser."""
    body: dict[str, object] = {"ticket": filled["ticket"]} if "ticket" in filled else {"code": filled["code"]}
    try:
        numbers = {name: float(filled[name]) for name in ("longitude", "latitude", "accuracy")}
    except (KeyError, ValueError):
        return body
    return {**body, "location": {**numbers, "coord_type": "wgs84", "picked_by": "gps"}}


def _sign(
    view: SessionView | None,
    *,
    code: str,
    ticket: str | None,
    now: datetime,
    verdict: SignInVerdict | None,
    error: DomainError | None = None,
) -> Response:
    attendance = view.mine.attendance if view and view.mine else None
    signed_in = attendance is not None and attendance.signed_in_at is not None
    return page(
        "phone/sign.html",
        status=status_of(error).value if error else 200,
        error=error,
        session=view.row if view else None,
        sessions=[] if view else _open_now(now),
        verdict=verdict,
        signed_in=signed_in,
        may_sign_out=bool(view and signed_in and view.row.sign_out),
        asks_position=bool(view and view.row.radius_m is not None) or view is None,
        code=code,
        ticket=ticket,
        length=SHORT_LENGTH,
    )


def _open_now(now: datetime) -> Sequence[SessionView]:
    """The sessions one can sign in to now."""
    found = listing(current_actor(), "open", limit=_SESSIONS_SHOWN, cursor=None, now=now).items
    return [each for each in found if window_of(each.row).opens_at <= now]


def _standing(view: SessionView | None, now: datetime) -> SignInVerdict | None:
    """Where the person stands with the session, once they signed in or cannot any more."""
    if view is None:
        return None
    if view.row.state == SessionState.CANCELLED:
        return SignInVerdict("bad", "本场培训已取消。")
    attendance = view.mine.attendance if view.mine else None
    return _said(attendance, now) if attendance and attendance.signed_in_at else None


def _said(attendance: Attendance, now: datetime) -> SignInVerdict:
    came, left = (times.spoken(at, now) if at else "" for at in (attendance.signed_in_at, attendance.signed_out_at))
    done = f"已于{left} 签退" if left else f"已于{came} 签到"
    doubt = _DOUBTS.get(State(attendance.state))
    return SignInVerdict("late", f"{done}，{doubt}。") if doubt else SignInVerdict("good", f"{done}。")
