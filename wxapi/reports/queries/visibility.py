"""Who may see a report, as one SQL condition for every read."""

import uuid
from collections.abc import Collection, Mapping
from datetime import date

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true

from wxapi.identity.models import AppointmentRow
from wxapi.identity.queries import in_force
from wxapi.kernel.actor import Actor
from wxapi.kernel.permissions import DESK_ROLES
from wxapi.reports.models import Report, ReportJoin

_VILLAGE_DIGITS = 12
# Columns of the tables, not of the entities: the same in SQL, and half the price in a list.
_reports, _joins = Report.__table__.c, ReportJoin.__table__.c
# Digits of a region code → the columns that hold the ancestors of that level: of the place, of the desk.
_PLACE = {6: _reports.county_code, 9: _reports.township_code, 12: _reports.village_code, 15: _reports.grid_code}
_DESK = {6: _reports.desk_county_code, 9: _reports.desk_township_code, 12: _reports.desk_village_code}


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The condition of every read of reports: what does not meet it does not exist for the person.

    Visible is what the person filed; and, unless the person is excluded, what he joined and what lies in,
    or is on a desk in, a region he holds a desk role for. Excluded from a report about a village's own
    affairs is everybody with any appointment at or below that village, whatever else he is appointed to;
    only having filed it counts more.
    """
    mine = _reports.reporter_id == actor.user_id
    joined = select(_joins.report_id).where(_joins.report_id == _reports.id, _joins.user_id == actor.user_id).exists()
    return or_(mine, and_(joined, not_excluded(actor)), seen_by_office(actor))


def seen_by_office(actor: Actor) -> ColumnElement[bool]:
    """What lies in, or is on a desk in, a region the person holds a desk role for and is not excluded from."""
    regions = actor.regions(DESK_ROLES)
    return and_(or_(lies_in(regions), on_desk_in(regions)), not_excluded(actor))


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
        in_force(today),
        func.starts_with(appointments.region_code, _reports.excluded_village_code),
    )
    return ~hidden


def villages_of(actor: Actor) -> tuple[str, ...]:
    """The villages at or below which the person holds an appointment of any role."""
    codes = (held.region_code for held in actor.appointments)
    return tuple(sorted({code[:_VILLAGE_DIGITS] for code in codes if len(code) >= _VILLAGE_DIGITS}))


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
    if len(code) > _VILLAGE_DIGITS:
        return and_(_reports.desk_village_code == code[:_VILLAGE_DIGITS], _reports.grid_code == code)
    return _within(_DESK, code)


def _within(columns: Mapping[int, ColumnElement[str]], code: str) -> ColumnElement[bool]:
    """One equality with the ancestor column of the code's level: an index finds it."""
    if len(code) in columns:
        return columns[len(code)] == code
    return func.starts_with(columns[6], code)  # the city: above all columns
