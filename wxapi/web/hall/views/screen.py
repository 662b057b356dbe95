"""The hall's screen, for the projector: the code, how many are there, and no names."""

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response
from markupsafe import Markup

from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response
from wxapi.training.rules.codes import STEP_SECONDS
from wxapi.training.rules.phases import Phase, phase_of
from wxapi.training.rules.windows import SIGN_OUT_AFTER_END
from wxapi.training.services import hall_screen
from wxapi.training.services.session_cache import Facts
from wxapi.training.wire.documents import qr
from wxapi.web.hall.blueprint import room
from wxapi.web.hall.halls import find_hall, turnout_of
from wxapi.web.kit import headers, times
from wxapi.web.kit.render import page


@room.get("/hall/<uuid:session_id>/screen")
@guard(Permission.TRAINING_ORGANISE)
def show_screen(session_id: uuid.UUID) -> Response:
    """The whole page, with what it shows at first."""
    now = runtime().clock.now()
    hall = find_hall(session_id, Permission.TRAINING_ORGANISE, now=now)
    state = _state(session_id, now=now)
    # Made by training of a matrix of modules: nothing of a person stands in it.
    picture = Markup(state["code"])  # noqa: S704
    return page("hall/screen.html", hall=hall, state=state, picture=picture)


@room.get("/hall/<uuid:session_id>/screen/state")
@guard(Permission.TRAINING_ORGANISE)
def screen_state(session_id: uuid.UUID) -> Response:
    """What changes on the screen. Times are spans from now, so that the clock of the hall's computer does not matter.

    The ETag covers what is shown and not the spans: who has the present code knows its times already.
    """
    now = runtime().clock.now()
    state = _state(session_id, now=now)
    shown = [str(state[name]) for name in ("code", "short", "arrived", "expected", "say", "due")]
    response = json_response({name: value for name, value in state.items() if name != "due"})
    response.set_etag(hashlib.sha256("\0".join(shown).encode()).hexdigest()[:24], weak=True)
    headers.conditional(response)
    return response


def _state(session_id: uuid.UUID, *, now: datetime) -> dict[str, Any]:
    """`{"code","short","refresh_ms","life_ms","step_ms","arrived","expected","say"}`; `code` is a picture or "".

    Raises:
        NotFoundError: outside the scope.
        ConflictError: `session_not_published`, `session_cancelled`.
    """
    screen = hall_screen.screen_of(current_actor(), session_id, now=now)
    facts, code, turnout = screen.facts, screen.code, turnout_of(screen.counts)
    ends_at = facts.window.ends_at
    useful = now <= ends_at or (facts.sign_out and now <= ends_at + SIGN_OUT_AFTER_END)
    return {
        "code": qr.screen_svg(_link(facts.id, code.code)) if useful else "",
        "short": code.short_code if useful else "",
        "refresh_ms": _ms(code.refresh_at - now),
        "life_ms": _ms(code.expires_at - now),
        "step_ms": STEP_SECONDS * 1000,
        "arrived": turnout.arrived,
        "expected": turnout.expected,
        "say": _say(facts, useful=useful, now=now),
        "due": code.refresh_at,
    }


def _link(session_id: uuid.UUID, code: str) -> str:
    """An ordinary link: a plain camera opens the page that signs in, the mini program reads the code out of it."""
    return f"{runtime().config.public_url}/m/sign?{urlencode({'session': session_id, 'code': code})}"


def _say(facts: Facts, *, useful: bool, now: datetime) -> str:
    window = facts.window
    phase = phase_of(facts.state, window, now)
    if phase is Phase.ENROLLING:
        return f"签到将于 {times.spoken(window.opens_at, now)} 开始。"
    if phase is Phase.SIGN_IN:
        return f"请扫码签到，{times.spoken(window.late_at, now)} 以后记为迟到。"
    if phase is Phase.UNDER_WAY:
        return "培训已开始，现在签到记为迟到。"
    return "培训已结束，请扫码签退。" if useful else "本场培训已结束，签到码不再显示。"


def _ms(span: timedelta) -> int:
    return max(0, int(span / timedelta(milliseconds=1)))
