"""What waits for the organiser's word: flags of sign-ins, and requests for leave. One or many at once."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, request
from marshmallow import Schema

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


@dataclass(frozen=True, slots=True)
class UndecidedKind:
    """One kind of thing that waits.

    Attributes:
        template: the page that lists it.
        body: judges decision and note.
        decide: the service's: actor, id, and by name `decision, note, session_id, now`.
        found: what of it the address asks for, as the template's values.
    """

    template: str
    body: type[Schema]
    decide: Callable[..., object]
    found: Callable[[Hall], dict[str, Any]]


def _flags(hall: Hall) -> dict[str, Any]:
    decided = forms.chosen("decided", "true", "false") == "true"
    found = review_flags.queue(current_actor(), hall.row.id, decided=decided, limit=MOST, cursor=_cursor())
    return {
        "rows": [(flag, name, _step_of(flag.detail)) for flag, name in found.items],
        "next_cursor": found.next_cursor,
        "decided": decided,
    }


def _requests(hall: Hall) -> dict[str, Any]:
    pending = forms.chosen("pending", "true", "false") != "false"
    found = leave.requests(current_actor(), hall.row.id, pending=pending, limit=MOST, cursor=_cursor())
    return {"rows": found.items, "next_cursor": found.next_cursor, "pending": pending}


_FLAGS = UndecidedKind("hall/review.html", FlagDecisionBody, review_flags.decide, _flags)
_LEAVE = UndecidedKind("hall/leave.html", LeaveDecisionBody, leave.decide, _requests)


@room.get("/hall/<uuid:session_id>/review")
@guard(ORGANISE)
def show_review(session_id: uuid.UUID) -> Response:
    """What looks odd, with the reason; `decided=true`: what was decided already."""
    return _show(_FLAGS, session_id)


@room.post("/hall/<uuid:session_id>/review")
@guard(ORGANISE)
def decide_flags(session_id: uuid.UUID) -> Response:
    """`dismiss` or `uphold` all that are ticked."""
    return _decide(_FLAGS, session_id)


@room.get("/hall/<uuid:session_id>/leave")
@guard(ORGANISE)
def show_leave(session_id: uuid.UUID) -> Response:
    """Requests for leave; `pending=false`: the decided ones too."""
    return _show(_LEAVE, session_id)


@room.post("/hall/<uuid:session_id>/leave")
@guard(ORGANISE)
def decide_leave(session_id: uuid.UUID) -> Response:
    """`approve` or `deny` all that are ticked."""
    return _decide(_LEAVE, session_id)


def _show(kind: UndecidedKind, session_id: uuid.UUID) -> Response:
    hall = find_hall(session_id, ORGANISE, now=runtime().clock.now())
    text = request.args.get("done", "")
    return _listed(kind, hall, done=int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None)


def _decide(kind: UndecidedKind, session_id: uuid.UUID) -> Response:
    """On to the list when all went through; else the list with what was refused, ticked still."""
    now = runtime().clock.now()
    hall = find_hall(session_id, ORGANISE, now=now)
    ticks: list[uuid.UUID] = []
    try:
        ticks = picked(request.form.getlist("pick"))
        body = forms.load(kind.body, forms.filled(*_TYPED))
    except DomainError as error:
        return _listed(kind, hall, error=error, ticks=ticks)
    said = {"decision": body["decision"], "note": body.get("note", ""), "session_id": session_id, "now": now}
    refused = decide_each(ticks, lambda actor, each: kind.decide(actor, each, **said))
    if not refused:
        return see(f"{request.path}?done={len(ticks)}")
    first = next(iter(refused.values()))
    return _listed(kind, hall, error=first, ticks=list(refused), done=len(ticks) - len(refused))


def _listed(
    kind: UndecidedKind,
    hall: Hall,
    *,
    error: DomainError | None = None,
    ticks: list[uuid.UUID] | None = None,
    done: int | None = None,
) -> Response:
    return page(
        kind.template,
        status=status_of(error).value if error else 200,
        hall=hall,
        **kind.found(hall),
        error=error,
        ticked=ticks or [],
        typed=forms.filled(*_TYPED) if request.method == "POST" else {},
        done=done,
    )


def _cursor() -> str | None:
    return request.args.get("cursor") or None


def _step_of(detail: dict[str, Any]) -> datetime | None:
    """When the code that a group used was on the screen."""
    return datetime.fromisoformat(detail["step_at"]) if "step_at" in detail else None
