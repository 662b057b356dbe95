"""A report as one person sees it: values, of which `wire` makes JSON and pages make HTML."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from wxapi.kernel.action_inputs import from_history
from wxapi.kernel.coordinates import Point
from wxapi.kernel.deadlines import CardColour
from wxapi.kernel.permissions import ROLE_NAMES, Role
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


@dataclass(frozen=True, slots=True)
class NamedRegion:
    """A place or a desk, by code and name; `full_name` runs from the city down."""

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


@dataclass(slots=True)  # a frozen one of so many fields takes five times as long to make, and a report has many lines
class TimelineLine:
    """One line of history.

    Attributes:
        action: `file`, or an action of the table.
        role: a role of `kernel.permissions`, or a citizen's party, or `system`.
        label: a unit and an office, never a person.
        note: None where there is none, or not for this person's eyes.
        reason_code, review_on, days: what came with the action.
        given_to: the desk that an action named.
    """

    at: datetime
    action: str
    from_state: ReportState | None
    to_state: ReportState
    role: str
    label: str
    note: str | None
    photos: tuple[PhotoFacts, ...]
    reason_code: str | None
    review_on: date | None
    days: int | None
    given_to: NamedRegion | None


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
    photos: tuple[PhotoFacts, ...]
    after_photos: tuple[PhotoFacts, ...]
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
    timeline: tuple[TimelineLine, ...]
    available_actions: tuple[str, ...]
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


def others_named(report: Report, events: Iterable[HistoryLine]) -> set[UUID]:
    """Other reports that a report and its history name."""
    named = {other for event in events if (other := _other(event)) is not None and other != report.id}
    return named | ({report.merged_into_id} if report.merged_into_id else set())


def _other(event: HistoryLine) -> UUID | None:
    """The other report of a merge or unmerge: of the survivor the merged one, of the merged one the survivor."""
    other = event.detail.get("other") or event.detail.get("into") if event.action in _MERGING else None
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
    photos = [each for each in photos if each.photo.id not in sight.hidden_photos]
    of_lines: dict[int | None, tuple[PhotoFacts, ...]] = {}
    for each in photos:
        of_lines[each.event_id] = (*of_lines.get(each.event_id, ()), each.photo)
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
        photos=tuple(each.photo for each in photos if each.purpose == "report"),
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
        timeline=tuple(
            _line(report, event, of_lines.get(event.id, ()), sight, others, regions)
            for event in events
            if not (others.all_hidden and event.action in _MERGING)
        ),
        available_actions=tuple(workflow.offered(case, who, now)),
        moderation=sight.moderation,
    )


def named_region(code: str, regions: Tree) -> NamedRegion:
    """A region by its name; one that a newer import does not have falls back to its code."""
    region = regions.get(code)
    return NamedRegion(code, region.name, region.full_name) if region else NamedRegion(code, code, code)


def asked_for(report: Report | ReportRow) -> tuple[AskedFor, ...]:
    """What waits for the township's decision."""
    asked = []
    if report.hold_pending:
        asked.append(AskedFor("request_hold", report.hold_review_on, report.hold_reason_code))
    if report.extension == Extension.REQUESTED:
        asked.append(AskedFor("request_extension", days=report.extension_days))
    return tuple(asked)


def _line(
    report: Report,
    event: HistoryLine,
    photos: tuple[PhotoFacts, ...],
    sight: Sight,
    others: OthersSeen,
    regions: Tree,
) -> TimelineLine:
    other, given = _other(event), from_history(ActionInput, event.detail)
    nameable = other is None or other == report.id or other in others.ids
    return TimelineLine(
        at=event.at,
        action=event.action,
        from_state=ReportState(event.from_state) if event.from_state else None,
        to_state=ReportState(event.to_state),
        role=event.role,
        label=_label(report, event, regions),
        note=sight.notes.get(event.id) if nameable else None,
        photos=photos,
        reason_code=given.reason_code,
        review_on=given.review_on,
        days=given.days,
        given_to=named_region(given.desk_code, regions) if given.desk_code else None,
    )


def _label(report: Report, event: HistoryLine, regions: Tree) -> str:
    if event.role == Party.REPORTER:
        return reporter_label(report.reporter_label)
    if event.unit_code is None:
        return PARTY_NAMES[Party(event.role)]
    return f"{named_region(event.unit_code, regions).name} {ROLE_NAMES[Role(event.role)]}"


def _until(report: Report) -> datetime | None:
    if report.state == ReportState.RESOLVED and report.resolved_at:
        return report.resolved_at + auto_close_after()
    if report.state == ReportState.CLOSED and report.closed_at:
        return report.closed_at + reopen_within()
    return None


def _after_photos(events: Sequence[HistoryLine], photos: Iterable[PlacedPhoto]) -> tuple[PhotoFacts, ...]:
    latest = next((event.id for event in reversed(events) if event.action == "resolve"), None)
    return tuple(each.photo for each in photos if each.purpose == "after" and each.event_id == latest)
