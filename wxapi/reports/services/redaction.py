"""What one person is shown of the words and pictures in a report.

The reporter sees what they typed, the desk what they typed without personal data, both at once. Another citizen, who
joined, sees what WeChat or an officer let pass, and never what a citizen wrote to the desk.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from wxapi.moderation.models import Check
from wxapi.moderation.rules.checks import CheckKind, CheckState, ShownState
from wxapi.reports.models import Report
from wxapi.reports.queries.around import Around, CheckLine, HistoryLine
from wxapi.reports.queries.reports import CITIZENS
from wxapi.reports.rules.masking import WITHHELD, masked_if_any
from wxapi.reports.rules.state import Party, Who
from wxapi.reports.services.originals import Originals, opened

_SHOWN = {CheckState.WAITING: ShownState.PENDING, CheckState.ASKED: ShownState.PENDING}


@dataclass(frozen=True, slots=True)
class ReviewedPart:
    """A check of a report's words or of one picture; `state` as `state_shown`."""

    id: str
    kind: CheckKind
    photo_id: str | None
    state: ShownState


@dataclass(frozen=True, slots=True)
class ReviewMark:
    """How far the checks of a report's words and pictures have come."""

    text: ShownState
    checks: tuple[ReviewedPart, ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """The words and pictures of a report for one person; `moderation` is the desk's mark, None for others."""

    description: str
    address: str | None
    # By the id of the line of history.
    notes: Mapping[int, str | None] = field(default_factory=dict)
    hidden_photos: Collection[uuid.UUID | str] = ()
    moderation: ReviewMark | None = None


def sight_of(report: Report, who: Who, around: Around) -> Sight:
    """The words and pictures of a report that this person may see.

    Authors read their own words as typed; people of the desk and above everything, masked; other citizens what
    moderation let pass.
    """
    checks = around.checks
    is_author = bool({Party.REPORTER, Party.JOINER} & who.parties.keys())
    originals = opened(around.originals) if is_author else Originals()
    notes = _notes(report, around.lines, who, originals)
    if Party.STAFF in who.parties:
        mark = _mark(checks)
        if Party.REPORTER in who.parties:
            return Sight(*_own_words(report, originals), notes, moderation=mark)
        return Sight(report.description, report.address, notes, moderation=mark)
    hidden = _hidden_photos(who, around)
    if Party.REPORTER in who.parties:
        return Sight(*_own_words(report, originals), notes, hidden)
    passed = any(check.kind == CheckKind.TEXT and check.state == CheckState.PASS for check in checks)
    words = (report.description, report.address) if passed else (WITHHELD, None)
    return Sight(*words, notes, hidden)


def state_shown(check: Check | CheckLine | None) -> ShownState:
    """A check's state as the desk reads it; without a check nothing was sent out."""
    if check is None:
        return ShownState.NOT_SENT
    state = CheckState(check.state)
    return _SHOWN.get(state) or ShownState(state.value)


def _own_words(report: Report, originals: Originals) -> tuple[str, str | None]:
    return originals.description or report.description, originals.address or report.address


def _notes(report: Report, lines: Sequence[HistoryLine], who: Who, originals: Originals) -> dict[int, str | None]:
    typed, is_staff, is_reporter = originals.notes, Party.STAFF in who.parties, Party.REPORTER in who.parties
    notes: dict[int, str | None] = {}
    for event in lines:
        note = event.note
        if event.is_own:
            note = typed.get(event.id, note)
        elif not is_staff and event.role in CITIZENS:
            note = None
        elif not (is_staff or is_reporter):
            note = masked_if_any(note, report.category_code)
        notes[event.id] = note
    return notes


def _hidden_photos(who: Who, around: Around) -> Collection[uuid.UUID | str]:
    """Citizens' pictures, but the person's own and those that passed."""
    shown = {check.photo_id for check in around.checks if check.state == CheckState.PASS}
    of_others = [each for each in around.photos if each.photo.owner_id != who.actor_id and each.photo.id not in shown]
    if not of_others:
        return ()
    by_office = {event.id for event in around.lines if event.role not in CITIZENS}
    return {each.photo.id for each in of_others if each.event_id not in by_office}


def _mark(checks: Sequence[CheckLine]) -> ReviewMark:
    text = next((check for check in checks if check.kind == CheckKind.TEXT), None)
    parts = (ReviewedPart(check.id, CheckKind(check.kind), check.photo_id, state_shown(check)) for check in checks)
    return ReviewMark(state_shown(text), tuple(parts))
