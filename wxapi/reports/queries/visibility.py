"""Who may see a report, as one SQL condition for every read."""

import uuid
from collections.abc import Collection, Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true

from wxapi.identity.models import AppointmentRow
from wxapi.identity.queries import tying
from wxapi.kernel.actor import Actor
from wxapi.kernel.permissions import DESK_ROLES
from wxapi.regions.models import Region
from wxapi.regions.rules.levels import Level, level_of, within
from wxapi.reports.models import Report, ReportJoin

# Columns of the tables, not of the entities: the same in SQL, and half the price in a list.
_reports, _joins, _regions = Report.__table__.c, ReportJoin.__table__.c, Region.__table__.c
# The columns that hold the ancestor of each level: of the place, of the desk.
_PLACE = {
    Level.COUNTY: _reports.county_code,
    Level.TOWNSHIP: _reports.township_code,
    Level.VILLAGE: _reports.village_code,
    Level.GRID: _reports.grid_code,
}
_DESK = {
    Level.COUNTY: _reports.desk_county_code,
    Level.TOWNSHIP: _reports.desk_township_code,
    Level.VILLAGE: _reports.desk_village_code,
}

_AT_OR_BELOW_VILLAGE = frozenset({Level.VILLAGE, Level.GRID})


class Reader(NamedTuple):
    """All that decides what a person sees: who they are, where they hold a desk role, of which villages they are.

    `me` may be a parameter, so that a statement is built once for all who are alike in the rest.
    """

    me: uuid.UUID | ColumnElement[uuid.UUID]
    regions: tuple[str, ...]
    villages: tuple[str, ...]


def reader_of(actor: Actor) -> Reader:
    """The person as the conditions here take them."""
    return Reader(actor.user_id, actor.regions(DESK_ROLES), villages_of(actor))


def visible_to(actor: Actor | Reader) -> ColumnElement[bool]:
    """The condition of every read of reports: what does not meet it does not exist for the person.

    Visible is what the person filed; and, unless the person is excluded, what they joined and what lies in,
    or is on a desk in, a region they hold a desk role for. Excluded from a report about a village's own
    affairs is everybody with any appointment at or below that village, in force, to
    come or over for less than two years (ADR 0044), whatever else they are appointed to;
    only having filed it counts more.
    """
    reader = _reader(actor)
    return or_(own_of(reader), seen_by_office(reader))


def own_of(actor: Actor | Reader) -> ColumnElement[bool]:
    """What the person filed, and what they joined unless they are excluded."""
    reader = _reader(actor)
    mine = _reports.reporter_id == reader.me
    joined = select(_joins.report_id).where(_joins.report_id == _reports.id, _joins.user_id == reader.me).exists()
    return or_(mine, and_(joined, not_about(reader.villages)))


def seen_by_office(actor: Actor | Reader) -> ColumnElement[bool]:
    """What lies in, or is on a desk in, a region the person holds a desk role for and is not excluded from."""
    reader = _reader(actor)
    return and_(or_(lies_in(reader.regions), on_desk_in(reader.regions)), not_about(reader.villages))


def _reader(actor: Actor | Reader) -> Reader:
    return actor if isinstance(actor, Reader) else reader_of(actor)


def not_excluded(actor: Actor) -> ColumnElement[bool]:
    """False for reports about the affairs of a village at or below which the person holds any appointment."""
    return not_about(villages_of(actor))


def may_hear(
    user_id: ColumnElement[uuid.UUID], report_id: ColumnElement[uuid.UUID], today: date
) -> ColumnElement[bool]:
    """Whether a person may still be told of a report: as `not_excluded`, for the rows of a table of messages."""
    appointments = AppointmentRow.__table__.c
    hidden = exists().where(
        _reports.id == report_id,
        _reports.reporter_id.is_distinct_from(user_id),
        appointments.user_id == user_id,
        tying(today),
        or_(
            func.starts_with(appointments.region_code, _reports.excluded_village_code),
            # Of a closed village for which the hidden one goes on.
            exists().where(
                _regions.code == appointments.region_code,
                func.starts_with(_regions.successor_code, _reports.excluded_village_code),
            ),
        ),
    )
    return ~hidden


def villages_of(actor: Actor) -> tuple[str, ...]:
    """The villages at or below which the person holds, is to hold, or held not long ago an appointment of any role."""
    codes = (code for code in actor.places if level_of(code) in _AT_OR_BELOW_VILLAGE)
    return tuple(sorted({within(code, Level.VILLAGE) for code in codes}))


def not_about(villages: Collection[str]) -> ColumnElement[bool]:
    """False for reports about the affairs of one of the villages."""
    if not villages:
        return true()
    return or_(_reports.excluded_village_code.is_(None), _reports.excluded_village_code.not_in(villages))


def lies_in(regions: Collection[str]) -> ColumnElement[bool]:
    """Reports whose place lies in one of the regions."""
    return or_(false(), *(_within(_PLACE, code) for code in regions))


def on_desk_in(regions: Collection[str]) -> ColumnElement[bool]:
    """Reports whose desk lies in one of the regions. A grid's people share their village's desk for their grid."""
    return or_(false(), *(_desk_within(code) for code in regions))


def _desk_within(code: str) -> ColumnElement[bool]:
    if level_of(code) is Level.GRID:
        return and_(_reports.desk_village_code == within(code, Level.VILLAGE), _reports.grid_code == code)
    return _within(_DESK, code)


def _within(columns: Mapping[Level, ColumnElement[str]], code: str) -> ColumnElement[bool]:
    """One equality with the ancestor column of the code's level: an index finds it."""
    level = level_of(code)
    if level is not None and level in columns:
        return columns[level] == code
    return func.starts_with(columns[Level.COUNTY], code)  # the city: above all columns
