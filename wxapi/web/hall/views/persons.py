"""One person on the roll: every decision with its reason, a correction, and taking the last one back."""

import uuid
from datetime import datetime, timedelta

from flask import Response, request

from wxapi.kernel.errors import DomainError, NotFoundError, version_conflict
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.problems import status_of
from wxapi.platform.runtime import runtime
from wxapi.training.queries.roll import RollRow, last_standing
from wxapi.training.services import browse, correct_roll, roll_reading
from wxapi.training.services.correct_roll import Correction
from wxapi.training.wire.requests import CorrectionBody, ReasonBody
from wxapi.web.hall import rolls
from wxapi.web.hall.blueprint import room
from wxapi.web.hall.halls import Hall, find_hall
from wxapi.web.kit import forms, times
from wxapi.web.kit.render import page, see

ORGANISE = Permission.TRAINING_ORGANISE
_LATELY = timedelta(days=60)
_AT_ONCE = 50
_DONE = {"corrected": "更正已保存。", "undone": "已撤销最近一次更正。"}


@room.get("/hall/<uuid:session_id>/roll/<uuid:user_id>")
@guard(ORGANISE)
def show_person(session_id: uuid.UUID, user_id: uuid.UUID) -> Response:
    """The person's line."""
    now = runtime().clock.now()
    hall = find_hall(session_id, ORGANISE, now=now)
    return _person(hall, user_id, now=now, done=_DONE.get(request.args.get("done", "")))


@room.post("/hall/<uuid:session_id>/roll/<uuid:user_id>")
@guard(ORGANISE)
def correct_person(session_id: uuid.UUID, user_id: uuid.UUID) -> Response:
    """Set a state by hand, always with a reason."""
    now = runtime().clock.now()
    hall = find_hall(session_id, ORGANISE, now=now)
    typed = forms.filled("state", "reason", "made_up_in")
    try:
        _check_seen(roll_reading.read_row(current_actor(), session_id, user_id))
        correction = Correction(**forms.load(CorrectionBody, typed))
        correct_roll.correct(current_actor(), session_id, user_id, correction, now=now)
    except NotFoundError:
        raise
    except DomainError as error:
        return _person(hall, user_id, now=now, error=error, typed=typed)
    return see(f"{hall.path}/roll/{user_id}?done=corrected")


@room.post("/hall/<uuid:session_id>/roll/<uuid:user_id>/undo")
@guard(ORGANISE)
def undo_person(session_id: uuid.UUID, user_id: uuid.UUID) -> Response:
    """Take back the last correction; it stays in the history."""
    now = runtime().clock.now()
    hall = find_hall(session_id, ORGANISE, now=now)
    typed = forms.filled("reason")
    try:
        _check_seen(roll_reading.read_row(current_actor(), session_id, user_id))
        correct_roll.undo(current_actor(), session_id, user_id, reason=forms.load(ReasonBody, typed)["reason"], now=now)
    except NotFoundError:
        raise
    except DomainError as error:
        shown = {"undo_reason": typed.get("reason", "")}
        return _person(hall, user_id, now=now, error=error, typed=shown)
    return see(f"{hall.path}/roll/{user_id}?done=undone")


def _person(
    hall: Hall,
    user_id: uuid.UUID,
    *,
    now: datetime,
    error: DomainError | None = None,
    typed: dict[str, str] | None = None,
    done: str | None = None,
) -> Response:
    line = roll_reading.read_row(current_actor(), hall.row.id, user_id)
    return page(
        "hall/person.html",
        status=status_of(error).value if error else 200,
        hall=hall,
        line=line,
        seen=_seen_lines(line),
        version=_version(line),
        undoable=last_standing(line.history),
        choices=rolls.MANUAL_CHOICES,
        make_ups=_make_ups(hall, now=now),
        typed=typed or {},
        error=error,
        errors=error.fields if error else {},
        done=done,
    )


def _version(line: RollRow) -> str:
    """What of a line a correction rests on: its decisions and its state, which a sign-in moves too."""
    return f"{len(line.history)}.{line.row.state}"


def _seen_lines(line: RollRow) -> int:
    """How many decisions the form was opened with; the later ones are new."""
    count = request.form.get("version", "").partition(".")[0]
    return int(count) if count.isascii() and count.isdigit() and len(count) < 6 else len(line.history)


def _check_seen(line: RollRow) -> None:
    """Refuse a correction of what is no longer what was seen.

    Raises:
        ConflictError: `version_conflict`.
    """
    if request.form.get("version") != _version(line):
        raise version_conflict(version=len(line.history), state=line.row.state)


def _make_ups(hall: Hall, *, now: datetime) -> list[tuple[str, str]]:
    """(id, words) of the sessions of late where this one may have been made up."""
    found = browse.listing(current_actor(), "organised", limit=_AT_ONCE, cursor=None, now=now)
    rows = [view.row for view in found.items if view.row.id != hall.row.id]
    return [
        (str(row.id), f"{times.spoken(row.starts_at, now)}　{row.title}")
        for row in rows
        if now - _LATELY < row.starts_at < now
    ]
