"""The roll: who is there, who is not, and corrections of many at once."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from flask import Response, request, send_file

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import DomainError, InvalidError, NotFoundError, version_conflict
from wxapi.kernel.paging import Page
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.one_by_one import one_by_one
from wxapi.platform.problems import status_of
from wxapi.platform.runtime import runtime
from wxapi.training.models import Attendance
from wxapi.training.services import correct_roll, export_roll, hall_screen, roll_reading
from wxapi.training.services.correct_roll import Correction
from wxapi.training.wire.documents import roll_sheet
from wxapi.training.wire.requests import BulkBody, ReasonBody
from wxapi.web.hall import rolls
from wxapi.web.hall.blueprint import room
from wxapi.web.hall.halls import Hall, find_hall
from wxapi.web.hall.picks import picked_as_seen
from wxapi.web.kit import forms, words
from wxapi.web.kit.render import fragment, page

STEWARD, ORGANISE = Permission.TRAINING_STEWARD, Permission.TRAINING_ORGANISE
UNDO = "undo"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_DONE = {"ticked": "签到成功。", "known": "该人员此前已签到。"}


@dataclass(frozen=True, slots=True)
class RollAnswer:
    """What became of one person's line; `refusal` is None where it changed or needed no change."""

    user_id: uuid.UUID
    name: str
    state: str
    refusal: DomainError | None


@room.get("/hall/<uuid:session_id>/roll")
@guard(STEWARD)
def show_roll(session_id: uuid.UUID) -> Response:
    """The roll, a page at a time."""
    now = runtime().clock.now()
    hall = find_hall(session_id, STEWARD, now=now)
    return roll_page(hall, now=now, done=_DONE.get(request.args.get("done", "")))


@room.get("/hall/<uuid:session_id>/roll/rows")
@guard(STEWARD)
def refresh_roll(session_id: uuid.UUID) -> Response:
    """What changes of the page while it lies open."""
    now = runtime().clock.now()
    return fragment("hall/roll_rows.html", **_roll(find_hall(session_id, STEWARD, now=now), now=now))


@room.post("/hall/<uuid:session_id>/roll")
@guard(ORGANISE)
def correct_many(session_id: uuid.UUID) -> Response:
    """Set the state of all that are ticked, or take back the last correction of each.

    Who has signed in or was corrected since the tick keeps what they have, and the answer says so.
    """
    now = runtime().clock.now()
    hall = find_hall(session_id, ORGANISE, now=now)
    typed = forms.filled("state", "reason")
    seen: dict[uuid.UUID, str] = {}
    try:
        seen = picked_as_seen(request.form.getlist("pick"))
        if typed.get("state") == UNDO:
            return _result(hall, _undo_many(hall, seen, typed), UNDO)
        body = forms.load(BulkBody, {**typed, "user_ids": [str(user_id) for user_id in seen]})
        changed, stale = _correct_many(hall, seen, Correction(body["state"], body["reason"]), now=now)
    except NotFoundError:
        raise
    except DomainError as error:
        return roll_page(hall, now=now, error=error, typed=typed, ticked=list(seen))
    return _result(hall, list((_lines(hall, list(seen)) | stale).values()), body["state"], changed=changed)


@room.get("/hall/<uuid:session_id>/roll.xlsx")
@guard(ORGANISE)
def roll_xlsx(session_id: uuid.UUID) -> Response:
    """The roll as a spreadsheet."""
    now = runtime().clock.now()
    hall = find_hall(session_id, ORGANISE, now=now)
    path = export_roll.roll_file(current_actor(), session_id, roll_sheet.write, now=now)
    # Opened here and unlinked at once: the file goes with the answer, whatever becomes of it.
    file = path.open("rb")
    path.unlink()
    response = send_file(file, mimetype=_XLSX)
    name = quote(f"考勤表 {hall.row.title}.xlsx", safe="")
    response.headers["Content-Disposition"] = f"attachment; filename=\"roll.xlsx\"; filename*=UTF-8''{name}"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def roll_page(
    hall: Hall,
    *,
    now: datetime,
    done: str | None = None,
    error: DomainError | None = None,
    typed: dict[str, str] | None = None,
    ticked: Sequence[uuid.UUID] = (),
) -> Response:
    """The roll with its forms; after a refusal with all that was typed and ticked."""
    try:
        found = _roll(hall, now=now)
    except InvalidError as wrong:  # the address asks for what there is not
        if request.method == "GET" and wrong.fields.keys() != {"q"}:  # the others are chosen, not typed
            raise
        error, found = wrong, _roll(hall, now=now, args={})
        found["rows"], found["next_cursor"] = (), None
    return page(
        "hall/roll.html",
        status=status_of(error).value if error else 200,
        **found | {"ticked": ticked},
        choices=[*rolls.MANUAL_CHOICES, (UNDO, "撤销最近一次更正")],
        query=request.args,
        typed=typed or {},
        error=error,
        done=done,
    )


def _roll(hall: Hall, *, now: datetime, args: dict[str, str] | None = None) -> dict[str, Any]:
    actor, row = current_actor(), hall.row
    asked = request.args.to_dict() if args is None else args
    counts = hall_screen.live_counts(actor, row.id, now=now).counts
    wanted, cursor = rolls.wanted_of(asked)
    found: Page[tuple[Attendance, str]] = roll_reading.read_roll(
        actor, row.id, wanted, limit=rolls.ON_A_PAGE, cursor=cursor
    )
    return {
        "hall": hall,
        "tabs": rolls.tabs_of(f"{hall.path}/roll", asked, counts),
        "rows": found.items,
        "next_cursor": found.next_cursor,
        "tickable": rolls.TICKABLE,
        "ticked": (),
    }


def _correct_many(
    hall: Hall, seen: Mapping[uuid.UUID, str], correction: Correction, *, now: datetime
) -> tuple[Sequence[uuid.UUID], dict[uuid.UUID, RollAnswer]]:
    """Whose state was set, and the lines of those who were left alone."""
    stale = _stale(_lines(hall, list(seen)), seen)
    as_seen = [user_id for user_id in seen if user_id not in stale]
    if not as_seen:
        return (), stale
    done = correct_roll.correct_many(
        current_actor(), hall.row.id, correction, user_ids=as_seen, late_uploads=False, now=now
    )
    return done.people, stale


def _undo_many(hall: Hall, seen: Mapping[uuid.UUID, str], typed: dict[str, str]) -> list[RollAnswer]:
    reason = forms.load(ReasonBody, {"reason": typed["reason"]} if "reason" in typed else {})["reason"]
    now, found = runtime().clock.now(), _lines(hall, list(seen))
    stale = _stale(found, seen)
    lines = {user_id: line for user_id, line in found.items() if user_id not in stale}

    def undo(actor: Actor, user_id: uuid.UUID) -> None:
        done = correct_roll.undo(actor, hall.row.id, user_id, reason=reason, now=now)
        lines[user_id] = replace(lines[user_id], state=done.row.state)

    refusals = one_by_one(list(lines), undo).refusals
    undone = [replace(line, refusal=refusal) for line, refusal in zip(lines.values(), refusals, strict=True)]
    return [*undone, *stale.values()]


def _stale(lines: Mapping[uuid.UUID, RollAnswer], seen: Mapping[uuid.UUID, str]) -> dict[uuid.UUID, RollAnswer]:
    """The lines that no longer stand as they were ticked, each with its refusal."""
    moved = [line for user_id, line in lines.items() if line.state != seen[user_id]]
    return {line.user_id: replace(line, refusal=version_conflict(version=0, state=line.state)) for line in moved}


def _lines(hall: Hall, user_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, RollAnswer]:
    """Those who are on the roll, as they stand there; the others are in no answer."""
    rows = roll_reading.read_rows(current_actor(), hall.row.id, user_ids)
    return {user_id: RollAnswer(user_id, name, row.state, None) for user_id, (row, name) in rows.items()}


def _result(
    hall: Hall, answers: Sequence[RollAnswer], action: str, *, changed: Sequence[uuid.UUID] | None = None
) -> Response:
    """What became of each. Only those who changed can be taken back together: the others had been set before."""
    title = "撤销更正" if action == UNDO else f"更正为“{words.name('attendance_states', action)}”"
    return page("hall/corrected.html", hall=hall, answers=answers, title=title, changed=changed, undo=UNDO)
