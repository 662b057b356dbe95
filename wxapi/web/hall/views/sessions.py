"""My sessions, and one of them: where it stands, and what to do next."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import Response, request

from wxapi.kernel.errors import DomainError
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.problems import status_of
from wxapi.platform.runtime import runtime
from wxapi.regions.services.lookup import region_names
from wxapi.training.rules.phases import Phase
from wxapi.training.services import browse, hall_screen, leave, review_flags
from wxapi.web.hall.blueprint import room
from wxapi.web.hall.halls import Hall, find_hall, hall_of, turnout_of
from wxapi.web.kit.render import page

_AT_ONCE = 50
_GROUPS = (
    ("正在进行", (Phase.SIGN_IN, Phase.UNDER_WAY)),
    ("即将举办", (Phase.ENROLLING,)),
    ("草稿", (Phase.DRAFT,)),
    ("已结束，待整理", (Phase.SORTING,)),
    ("已归档", (Phase.CLOSED,)),
    ("已取消", (Phase.CANCELLED,)),
)
_DONE = {
    "created": "草稿已保存，发布后才能报名和签到。",
    "changed": "修改已保存。",
    "published": "已发布，参加范围内的人员现在可以报名。",
    "cancelled": "已取消，正在通知已报名和候补人员。",
}


@room.get("/hall")
@guard(Permission.TRAINING_STEWARD)
def show_sessions() -> Response:
    """The sessions of the person's regions, by where they stand."""
    now = runtime().clock.now()
    found = browse.listing(
        current_actor(), "organised", limit=_AT_ONCE, cursor=request.args.get("cursor") or None, now=now
    )
    halls = [hall_of(view, now=now) for view in found.items]
    return page(
        "hall/sessions.html",
        groups=_grouped(halls),
        regions=region_names({hall.row.region_code for hall in halls}),
        next_cursor=found.next_cursor,
        organises=current_actor().may(Permission.TRAINING_ORGANISE),
    )


@room.get("/hall/<uuid:session_id>")
@guard(Permission.TRAINING_ORGANISE)
def show_session(session_id: uuid.UUID) -> Response:
    """One session: its phases, and what may be done now."""
    now = runtime().clock.now()
    hall = find_hall(session_id, Permission.TRAINING_ORGANISE, now=now)
    return session_page(hall, now=now, done=_DONE.get(request.args.get("done", "")))


def session_page(hall: Hall, *, now: datetime, done: str | None = None, error: DomainError | None = None) -> Response:
    """The page of one session."""
    return page(
        "hall/session.html",
        status=status_of(error).value if error else 200,
        hall=hall,
        steps=_steps(hall),
        region=region_names([hall.row.region_code]).get(hall.row.region_code, ""),
        audience=region_names(hall.row.audience_region_codes),
        overlaps="overlaps" in request.args,
        done=done,
        error=error,
        **_numbers(hall, now=now),
    )


def _numbers(hall: Hall, *, now: datetime) -> dict[str, Any]:
    """What of the roll matters on the page; a draft has none."""
    actor, row = current_actor(), hall.row
    if hall.phase is Phase.DRAFT:
        return {"counts": None, "turnout": None, "flags": 0, "leave": 0}
    counts = hall_screen.live_counts(actor, row.id, now=now).counts
    return {
        "counts": counts,
        "turnout": turnout_of(counts),
        "flags": len(review_flags.queue(actor, row.id, decided=False, limit=_AT_ONCE, cursor=None).items),
        "leave": len(leave.requests(actor, row.id, pending=True, limit=_AT_ONCE, cursor=None).items),
    }


def _grouped(halls: Iterable[Hall]) -> list[tuple[str, list[Hall]]]:
    """Title → its sessions. What comes next stands first, what is over last."""
    listed = list(halls)
    groups = []
    for title, phases in _GROUPS:
        members = [hall for hall in listed if hall.phase in phases]
        if phases[0] in {Phase.SIGN_IN, Phase.ENROLLING}:
            members.reverse()
        if members:
            groups.append((title, members))
    return groups


def _steps(hall: Hall) -> list[tuple[Phase, datetime | None]]:
    """The phases of a session, each with the time at which it begins; an organiser begins the first two."""
    window = hall.window
    steps: list[tuple[Phase, datetime | None]] = [
        (Phase.DRAFT, None),
        (Phase.ENROLLING, None),
        (Phase.SIGN_IN, window.opens_at),
        (Phase.UNDER_WAY, window.late_at),
        (Phase.SORTING, window.ends_at),
        (Phase.CLOSED, window.offline_until),
    ]
    return steps
