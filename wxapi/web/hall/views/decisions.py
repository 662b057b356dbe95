"""What waits for the organiser's word: flags of sign-ins, and requests for leave. One or many at once."""

import uuid
from datetime import datetime
from functools import partial
from typing import Any

from flask import Response, request

from wxapi.kernel.errors import DomainError
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.problems import status_of
from wxapi.platform.runtime import runtime
from wxapi.training.services import leave, review_flags
from wxapi.training.wire.requests import FlagDecisionBody, LeaveDecisionBody
from wxapi.web.hall.blueprint import room
from wxapi.web.hall.halls import Hall, find_hall
from wxapi.web.hall.picks import MOST, decide_each, picked
from wxapi.web.kit import forms
from wxapi.web.kit.render import page, see

ORGANISE = Permission.TRAINING_ORGANISE
_TYPED = ("decision", "note")


@room.get("/hall/<uuid:session_id>/review")
@guard(ORGANISE)
def show_review(session_id: uuid.UUID) -> Response:
    """What looks odd, with the reason; `decided=true`: what was decided already."""
    hall = find_hall(session_id, ORGANISE, now=runtime().clock.now())
    return _waiting("hall/review.html", hall, _flags(hall))


@room.post("/hall/<uuid:session_id>/review")
@guard(ORGANISE)
def decide_flags(session_id: uuid.UUID) -> Response:
    """`dismiss` or `uphold` all that are ticked."""
    now = runtime().clock.now()
    hall = find_hall(session_id, ORGANISE, now=now)
    ticks: list[uuid.UUID] = []
    try:
        ticks = picked(request.form.getlist("pick"))
        body = forms.load(FlagDecisionBody(), forms.filled(*_TYPED))
    except DomainError as error:
        return _waiting("hall/review.html", hall, _flags(hall), error=error, ticks=ticks)
    decide = partial(
        review_flags.decide,
        decision=body["decision"],
        note=body.get("note", ""),
        session_id=session_id,
        now=now,
    )
    refused = decide_each(ticks, lambda flag_id: decide(current_actor(), flag_id))
    return _decided("hall/review.html", hall, ticks, refused)


@room.get("/hall/<uuid:session_id>/leave")
@guard(ORGANISE)
def show_leave(session_id: uuid.UUID) -> Response:
    """Requests for leave; `pending=false`: the decided ones too."""
    hall = find_hall(session_id, ORGANISE, now=runtime().clock.now())
    return _waiting("hall/leave.html", hall, _requests(hall))


@room.post("/hall/<uuid:session_id>/leave")
@guard(ORGANISE)
def decide_leave(session_id: uuid.UUID) -> Response:
    """`approve` or `deny` all that are ticked."""
    now = runtime().clock.now()
    hall = find_hall(session_id, ORGANISE, now=now)
    ticks: list[uuid.UUID] = []
    try:
        ticks = picked(request.form.getlist("pick"))
        body = forms.load(LeaveDecisionBody(), forms.filled(*_TYPED))
    except DomainError as error:
        return _waiting("hall/leave.html", hall, _requests(hall), error=error, ticks=ticks)
    decide = partial(leave.decide, decision=body["decision"], note=body.get("note", ""), session_id=session_id, now=now)
    refused = decide_each(ticks, lambda request_id: decide(current_actor(), request_id))
    return _decided("hall/leave.html", hall, ticks, refused)


def _decided(template: str, hall: Hall, ticks: list[uuid.UUID], refused: dict[uuid.UUID, DomainError]) -> Response:
    """On to the list when all went through; else the list with what was refused."""
    if not refused:
        return see(f"{request.path}?done={len(ticks)}")
    found = _flags(hall) if template == "hall/review.html" else _requests(hall)
    return _waiting(
        template, hall, found, error=next(iter(refused.values())), ticks=list(refused), done=len(ticks) - len(refused)
    )


def _flags(hall: Hall) -> dict[str, Any]:
    decided = request.args.get("decided") == "true"
    found = review_flags.queue(
        current_actor(), hall.row.id, decided=decided, limit=MOST, cursor=request.args.get("cursor") or None
    )
    return {
        "rows": [(flag, name, _step_of(flag.detail)) for flag, name in found.items],
        "next_cursor": found.next_cursor,
        "decided": decided,
    }


def _requests(hall: Hall) -> dict[str, Any]:
    pending = request.args.get("pending") != "false"
    found = leave.requests(
        current_actor(), hall.row.id, pending=pending, limit=MOST, cursor=request.args.get("cursor") or None
    )
    return {"rows": found.items, "next_cursor": found.next_cursor, "pending": pending}


def _step_of(detail: dict[str, Any]) -> datetime | None:
    """When the code that a group used was on the screen."""
    return datetime.fromisoformat(detail["step_at"]) if "step_at" in detail else None


def _waiting(
    template: str,
    hall: Hall,
    found: dict[str, Any],
    *,
    error: DomainError | None = None,
    ticks: list[uuid.UUID] | None = None,
    done: int | None = None,
) -> Response:
    text = request.args.get("done", "")
    told = int(text) if done is None and text.isascii() and text.isdigit() and len(text) < 4 else done
    return page(
        template,
        status=status_of(error).value if error else 200,
        hall=hall,
        **found,
        error=error,
        ticked=ticks or [],
        typed=forms.filled(*_TYPED) if request.method == "POST" else {},
        done=told,
    )
