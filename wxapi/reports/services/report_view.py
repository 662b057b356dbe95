"""A report as one person sees it: values, of which `wire` makes JSON and pages make HTML."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from wxapi.kernel.action_inputs import from_history
from wxapi.kernel.coordinates import Point
from wxapi.kernel.deadlines import CardColour
from wxapi.kernel.permissions import ROLE_NAMES
from wxapi.photos.models import PhotoFacts
from wxapi.regions.rules.tree import Tree
from wxapi.regions.services.lookup import tree
from wxapi.reports.models import Report
from wxapi.reports.queries.around import HistoryLine, PlacedPhoto
from wxapi.reports.queries.lists import ReportRow
from wxapi.reports.rules import workflow
from wxapi.reports.rules.action_input import ActionInput
from wxapi.reports.rules.categories import Category, category_of
from wxapi.reports.rules.guards import auto_close_after, reopen_within
from wxapi.reports.rules.relations import reporter_label
from wxapi.reports.rules.state import PARTY_NAMES, Extension, Party, ReportState, Who
from wxapi.reports.services.apply import case_of
from wxapi.reports.services.redaction import ReviewMark, Sight


class NamedRegion(Protocol):
    """A place or a desk, by code and name; `full_name` runs from the city down."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def full_name(self) -> str: ...


class _Unnamed(NamedTuple):
    code: str
    name: str
    full_name: str


@dataclass(frozen=True, slots=True)
class NearVillage:
    """Another village the place could lie in, and how far its border is."""

    region: NamedRegion
    distance_m: float


@dataclass(frozen=True, slots=True)
class AskedFor:
    """What a desk asked for and nobody has decided yet: a hold until a day with its reason, or some days more."""

    action: str
    review_on: date | None = None
    reason_code: str | None = None
    days: int | None = None


class TimelineLine(NamedTuple):
    """One line of history; a tuple, because a report has many of them.

    Attributes:
        action: `file`, or an action of the table.
        from_state, to_state: of `ReportState`.
        role: a role of `kernel.permissions`, or a citizen's party, or `system`.
        label: a unit and an office, never a person.
        note: None where there is none, or not for this person's eyes.
        reason_code, review_on, days: what came with the action.
        given_to: the desk that an action named.
    """

    at: datetime
    action: str
    from_state: str | None
    to_state: str
    role: str
    label: str
    note: str | None
    photos: Sequence[PhotoFacts]
    reason_code: str | None = None
    review_on: date | None = None
    days: int | None = None
    given_to: NamedRegion | None = None


@dataclass(slots=True)
class ReportView:
    """One report with its history, as one person sees it.

    Attributes:
        reader_id: the person.
        location: GCJ-02, degrees.
        desk: the region whose people must act now; None before routing.
        after_photos: of the latest resolution; those of a disputed one stay in the timeline.
        clock_stands: nothing runs out while a question is open, on hold, or until the reporter has said something.
        review_on: the day a hold is looked at again, while it is on hold.
        until: when it closes by itself, or until when its reporter may have it opened again.
        reporter_label: random for each report: no two of one person can be linked.
        available_actions: what the person may do now, in the table's order.
        moderation: for people of the desk and above only.
    """

    id: UUID
    reader_id: UUID | None
    number: str
    version: int
    state: ReportState
    category: Category
    description: str
    location: Point
    address: str | None
    region: NamedRegion
    grid_code: str | None
    candidates: tuple[NearVillage, ...]
    desk: NamedRegion | None
    photos: Sequence[PhotoFacts]
    after_photos: Sequence[PhotoFacts]
    respond_due_at: datetime | None
    resolve_due_at: datetime | None
    clock_stands: bool
    review_on: date | None
    until: datetime | None
    asked_for: tuple[AskedFor, ...]
    card: CardColour | None
    merged_into_id: UUID | None
    me_too_count: int
    reporter_label: str
    is_mine: bool
    created_at: datetime
    updated_at: datetime
    timeline: Sequence[TimelineLine]
    available_actions: Sequence[str]
    moderation: ReviewMark | None


@dataclass(frozen=True, slots=True)
class OthersSeen:
    """Which other reports may be named to the person.

    Args:
        ids: of those named in this one, the ones the person sees.
        all_hidden: the person is of the village this report is hidden from and sees it for having filed it; of
            other people's reports about the village, merged with this one, nothing may be told: not even how many.
    """

    ids: frozenset[UUID] = frozenset()
    all_hidden: bool = False


_NONE_NAMED = OthersSeen()
_MERGING = frozenset({"merge", "unmerge"})
# By the words that the history holds.
_PARTY_NAMES: Mapping[str, str] = {party.value: name for party, name in PARTY_NAMES.items()}
_ROLE_NAMES: Mapping[str, str] = {role.value: name for role, name in ROLE_NAMES.items()}


def others_named(report: Report, events: Iterable[HistoryLine]) -> set[UUID]:
    """Other reports that a report and its history name."""
    named = {_other(event) for event in events if event.action in _MERGING} | {report.merged_into_id}
    return {other for other in named if other is not None and other != report.id}


def _other(event: HistoryLine) -> UUID | None:
    """The other report of a merge or unmerge: of the survivor the merged one, of the merged one the survivor."""
    other = event.detail.get("other") or event.detail.get("into")
    return UUID(other) if other else None


def view_of(
    report: Report,
    who: Who,
    events: Sequence[HistoryLine],
    photos: Sequence[PlacedPhoto],
    sight: Sight,
    others: OthersSeen = _NONE_NAMED,
    *,
    now: datetime,
) -> ReportView:
    """The report as one person sees it.

    Args:
        report: the row.
        who: what the person is to it; decides `available_actions` and `is_mine`.
        events: its history, oldest first.
        photos: all of its photos, in order.
        sight: the words and pictures the person is shown.
        others: the other reports that may be named.
        now: the present instant.
    """
    if sight.hidden_photos:
        photos = [each for each in photos if each.photo.id not in sight.hidden_photos]
    case, regions = case_of(report), tree()
    return ReportView(
        id=report.id,
        reader_id=who.actor_id,
        number=report.number,
        version=report.version,
        state=case.state,
        category=category_of(report.category_code),
        description=sight.description,
        location=Point(report.longitude, report.latitude),
        address=sight.address,
        region=named_region(report.village_code, regions),
        grid_code=report.grid_code,
        candidates=tuple(
            NearVillage(named_region(each["code"], regions), each["distance_m"]) for each in report.candidates
        ),
        desk=named_region(report.desk_code, regions) if report.desk_code else None,
        photos=[each.photo for each in photos if each.purpose == "report"],
        after_photos=_after_photos(events, photos),
        respond_due_at=report.respond_due_at,
        resolve_due_at=report.resolve_due_at,
        clock_stands=report.clock_stopped_at is not None,
        review_on=report.hold_review_on if case.state is ReportState.ON_HOLD else None,
        until=_until(report),
        asked_for=asked_for(report),
        card=case.card,
        merged_into_id=report.merged_into_id if report.merged_into_id in others.ids else None,
        me_too_count=0 if others.all_hidden else report.me_too_count,
        reporter_label=reporter_label(report.reporter_label),
        is_mine=Party.REPORTER in who.parties,
        created_at=report.created_at,
        updated_at=report.updated_at,
        timeline=_timeline(report, events, photos, sight, others, regions),
        available_actions=workflow.offered(case, who, now),
        moderation=sight.moderation,
    )


def named_region(code: str, regions: Tree) -> NamedRegion:
    """A region by its name; one that a newer import does not have falls back to its code."""
    return regions.get(code) or _Unnamed(code, code, code)


def asked_for(report: Report | ReportRow) -> tuple[AskedFor, ...]:
    """What waits for the township's decision."""
    asked = []
    if report.hold_pending:
        asked.append(AskedFor("request_hold", report.hold_review_on, report.hold_reason_code))
    if report.extension == Extension.REQUESTED:
        asked.append(AskedFor("request_extension", days=report.extension_days))
    return tuple(asked)


def _timeline(
    report: Report,
    events: Sequence[HistoryLine],
    photos: Sequence[PlacedPhoto],
    sight: Sight,
    others: OthersSeen,
    regions: Tree,
) -> list[TimelineLine]:
    of_lines: dict[int | None, list[PhotoFacts]] = {}
    for each in photos:
        of_lines.setdefault(each.event_id, []).append(each.photo)
    labels, lines = _Labels(report, regions), []
    for event in events:
        note = sight.notes.get(event.id)
        if event.action in _MERGING:
            if others.all_hidden:
                continue
            other = _other(event)
            if other is not None and other != report.id and other not in others.ids:
                note = None
        line = TimelineLine(
            event.at,
            event.action,
            event.from_state,
            event.to_state,
            event.role,
            labels[event.role, event.unit_code],
            note,
            of_lines.get(event.id, ()),
        )
        lines.append(_with_inputs(line, event, regions) if event.detail else line)
    return lines


def _with_inputs(line: TimelineLine, event: HistoryLine, regions: Tree) -> TimelineLine:
    """A line with what came with its action."""
    given = from_history(ActionInput, event.detail)
    return line._replace(
        reason_code=given.reason_code,
        review_on=given.review_on,
        days=given.days,
        given_to=named_region(given.desk_code, regions) if given.desk_code else None,
    )


class _Labels(dict[tuple[str, str | None], str]):
    """Who acted, by role and unit, as it is shown; each made once, since a few act again and again."""

    def __init__(self, report: Report, regions: Tree) -> None:
        self._report, self._regions = report, regions

    def __missing__(self, key: tuple[str, str | None]) -> str:
        role, unit_code = key
        if role == Party.REPORTER:
            label = reporter_label(self._report.reporter_label)
        elif unit_code is None:
            label = _PARTY_NAMES[role]
        else:
            label = f"{named_region(unit_code, self._regions).name} {_ROLE_NAMES[role]}"
        self[key] = label
        return label


def _until(report: Report) -> datetime | None:
    if report.state == ReportState.RESOLVED and report.resolved_at:
        return report.resolved_at + auto_close_after()
    if report.state == ReportState.CLOSED and report.closed_at:
        return report.closed_at + reopen_within()
    return None


def _after_photos(events: Sequence[HistoryLine], photos: Iterable[PlacedPhoto]) -> list[PhotoFacts]:
    after = [each for each in photos if each.purpose == "after"]
    if not after:
        return []
    latest = next((event.id for event in reversed(events) if event.action == "resolve"), None)
    return [each.photo for each in after if each.event_id == latest]
