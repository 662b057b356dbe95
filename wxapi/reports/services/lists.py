"""Lists of reports: my own, my desk's, those near a point."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from wxapi.kernel.actor import Actor
from wxapi.kernel.coordinates import Datum, Point, to_gcj02
from wxapi.kernel.deadlines import CardColour
from wxapi.kernel.paging import Page
from wxapi.regions.services.lookup import tree
from wxapi.reports.queries import lists
from wxapi.reports.queries.lists import Order, PageRequest, ReportRow
from wxapi.reports.queries.nearby import NearbyRow, nearby
from wxapi.reports.queries.reports import seen_among
from wxapi.reports.rules.categories import Category, all_categories, category_of, category_to_show
from wxapi.reports.rules.relations import is_excluded, reporter_label
from wxapi.reports.rules.state import STATE_OF, ReportState
from wxapi.reports.services.report_view import AskedFor, NamedRegion, asked_for, named_region


class ListedReport(NamedTuple):
    """A report in a list: what a screen shows of it, without photos, timeline and actions.

    A tuple, because a page makes a hundred of them. `first_photo_id` is the first photo that is ready and may be
    shown to the person; `due_at` is of the clock that runs.
    """

    id: str
    number: str
    version: int
    state: ReportState
    category: Category
    description: str
    location: Point
    address: str | None
    region: NamedRegion
    grid_code: str | None
    desk: NamedRegion | None
    first_photo_id: str | None
    respond_due_at: datetime | None
    resolve_due_at: datetime | None
    due_at: datetime | None
    card: CardColour | None
    asked_for: Sequence[AskedFor]
    merged_into_id: UUID | None
    me_too_count: int
    reporter_label: str
    is_mine: bool
    created_at: datetime
    updated_at: datetime


def my_reports(actor: Actor, wanted: PageRequest, *, now: datetime) -> Page[ListedReport]:
    """What the person filed or joined, newest first."""
    return _listed(lists.my_page(actor, wanted, now=now), actor)


def desk_reports(actor: Actor, wanted: PageRequest, order: Order, *, now: datetime) -> Page[ListedReport]:
    """What lies on the desks the person's appointments cover; see `queries.lists.desk_page`."""
    return _listed(lists.desk_page(actor, wanted, order, now=now), actor)


def desk_numbers(actor: Actor, wanted: PageRequest, order: Order, *, now: datetime) -> list[str]:
    """The numbers alone of what `desk_reports` gives: what comes before and after a report."""
    return [row.number for row in lists.desk_page(actor, wanted, order, now=now).items]


def reports_nearby(point: Point, datum: Datum, category_code: str, *, now: datetime) -> Sequence[NearbyRow]:
    """Open reports of the same class family around a point, nearest first.

    Raises:
        InvalidError: `unknown_category`.
    """
    family = category_to_show(category_code).family
    return nearby(to_gcj02(point, datum), family, now=now)


def _listed(page: Page[ReportRow], actor: Actor) -> Page[ListedReport]:
    merged_into = {row.merged_into_id for row in page.items if row.merged_into_id is not None}
    seen = seen_among(actor, merged_into)
    rows = [
        _without_others(row, actor, seen) if row.merged_into_id is not None or row.excluded_village_code else row
        for row in page.items
    ]
    return Page(_named(rows), page.next_cursor)


def _without_others(row: ReportRow, actor: Actor, seen: Collection[UUID]) -> ReportRow:
    """A row that names no report the person may not see; as `OthersSeen` of a single report."""
    if row.merged_into_id is not None and row.merged_into_id not in seen:
        row = row._replace(merged_into_id=None)
    if row.excluded_village_code and is_excluded(actor, (row.excluded_village_code,)):
        row = row._replace(me_too_count=0)
    return row


def _named(rows: Iterable[ReportRow]) -> list[ListedReport]:
    """Rows with the names of what they hold codes of."""
    regions, categories = tree(), all_categories()
    return [
        ListedReport(
            row.id,
            row.number,
            row.version,
            STATE_OF[row.state],
            categories.get(row.category_code) or category_of(row.category_code),
            row.description,
            Point(row.longitude, row.latitude),
            row.address,
            named_region(row.village_code, regions),
            row.grid_code,
            named_region(row.desk_code, regions) if row.desk_code else None,
            row.first_photo_id,
            row.respond_due_at,
            row.resolve_due_at,
            row.due_at,
            row.card,
            asked_for(row) if row.hold_pending or row.extension else (),
            row.merged_into_id,
            row.me_too_count,
            reporter_label(row.reporter_label),
            row.is_mine,
            row.created_at,
            row.updated_at,
        )
        for row in rows
    ]
