"""Reports follow when regions change: those that are in work, or may come back to it, go on with the successor.

What is over keeps the names of its time.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import shapely
from sqlalchemy import ColumnElement, and_, func, or_, select, text, update
from sqlalchemy.orm import Session

from wxapi.kernel.coordinates import Point
from wxapi.regions.queries import boundaries_of
from wxapi.regions.rules.changes import RegionMove
from wxapi.regions.rules.levels import CODE_LENGTH, Level, within
from wxapi.regions.rules.plane import Polygonal
from wxapi.regions.services.holdings import RegionHolding
from wxapi.regions.services.lookup import Location, locate, region_names, tree
from wxapi.reports.models import OPEN_SQL, Report
from wxapi.reports.rules import routing, workflow
from wxapi.reports.rules.action_input import ActionInput
from wxapi.reports.rules.guards import reopen_within
from wxapi.reports.rules.routing import Place
from wxapi.reports.rules.state import SYSTEM, Command, ReportState
from wxapi.reports.services import apply
from wxapi.reports.services.apply import Step

_ACTION = "redistrict"
_VILLAGE = CODE_LENGTH[Level.VILLAGE]
_DESK_COLUMNS = (Report.desk_county_code, Report.desk_township_code, Report.desk_village_code)


def _count(session: Session, codes: Sequence[str], now: datetime) -> int:
    return session.scalar(select(func.count()).where(*_concerned(codes, now))) or 0


def _rows(session: Session, codes: Sequence[str], now: datetime) -> Sequence[uuid.UUID]:
    """Those that go on, and those that stay hidden from who goes on."""
    follow_it = session.scalars(select(Report.id).where(*_concerned(codes, now))).all()
    about_it = session.scalars(select(Report.id).where(Report.excluded_village_code.in_(codes))).all()
    return sorted({*follow_it, *about_it})


def _move(
    session: Session, moves: Sequence[RegionMove], now: datetime, only: Collection[uuid.UUID] | None = None
) -> int:
    successors = {move.old: move.new for move in moves}
    reports = session.scalars(
        select(Report)
        .where(*_concerned(list(successors), now), *_among(only))
        .order_by(Report.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    grounds = boundaries_of(session, {report.village_code for report in reports} & successors.keys())
    for report in reports:
        follow(session, report, successors, grounds, now=now)
    _keep_hidden(session, successors, only)
    return len(reports)


def _among(only: Collection[uuid.UUID] | None) -> tuple[ColumnElement[bool], ...]:
    return () if only is None else (Report.id.in_(only),)


def _keep_hidden(session: Session, successors: Mapping[str, str], only: Collection[uuid.UUID] | None) -> None:
    """Let reports about a closed village that are over be hidden as those that move: by who goes on for it.

    A region knows the last of its successors only. Who was of a village that had been merged into the closed one is
    tied to that last one, and to the closed one no more.
    """
    hidden = (
        select(Report.id)
        .where(Report.excluded_village_code.in_(list(successors)), *_among(only))
        .order_by(Report.id)
        .with_for_update(key_share=True)
    )
    ids = session.scalars(hidden).all()
    for old, new in successors.items():
        about_it = update(Report).where(Report.id.in_(ids), Report.excluded_village_code == old)
        # A desk of the successor has had it, and the row must not hide it from its own desk.
        had_it = func.starts_with(func.coalesce(Report.desk_code, ""), new)
        session.execute(
            about_it.where(~had_it).values(excluded_village_code=new).execution_options(synchronize_session=False)
        )


def _concerned(codes: Sequence[str], now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Reports that lie in the regions or on their desks, and are not over for good."""
    there = or_(
        Report.village_code.in_(codes),
        # By the columns that have an index: a grid's village, and that of the level of a desk.
        and_(Report.grid_code.in_(codes), Report.village_code.in_(sorted({code[:_VILLAGE] for code in codes}))),
        and_(
            or_(*(column.in_(codes) for column in _DESK_COLUMNS)),
            Report.desk_code.in_(codes),
        ),
    )
    comes_back = or_(
        text(OPEN_SQL),
        Report.state == ReportState.MERGED,
        and_(Report.state == ReportState.REFUSED, ~Report.appealed),
        and_(Report.state == ReportState.CLOSED, ~Report.reopened, Report.closed_at > now - reopen_within()),
    )
    return there, comes_back


def follow(
    session: Session,
    report: Report,
    successors: Mapping[str, str],
    grounds: Mapping[str, Polygonal],
    *,
    now: datetime,
) -> None:
    """Give a report its place and its desk among the regions as they are now, with a line of its history.

    Args:
        session: of the open transaction, which holds the report's lock.
        report: one that lies in a closed region or on its desk.
        successors: closed code → who goes on.
        grounds: the ground that each closed village had: a split village's report goes where its point lies now.
        now: the present instant.
    """
    old, old_desk = report.village_code, report.desk_code
    located = _located(report, grounds.get(old))
    village = located.village.code if located and old in successors else successors.get(old, old)
    grid = located.grid.code if located and located.grid and located.village.code == village else None
    _place(report, village, grid, successors)
    desk = _desk(report, old, old_desk, successors)
    given = ActionInput(desk_code=desk if desk != old_desk else None, note=_note(old, village, old_desk, desk))
    row, party = workflow.choose(apply.case_of(report), SYSTEM, _ACTION, now)
    apply.take(session, report, Step(row, party, SYSTEM, Command(_ACTION, now, given=given)))


def follow_closed(session: Session, report: Report, *, now: datetime) -> None:
    """Let a report follow that was filed while its village was being closed; one without a successor stays."""
    village = report.village_code
    successor = tree().successor(village)
    if successor is not None:
        follow(session, report, {village: successor}, boundaries_of(session, [village]), now=now)


def _located(report: Report, ground: Polygonal | None) -> Location | None:
    """Where its point lies now, if it lay in the ground of its village: a reporter may have picked the neighbour."""
    if ground is None or not ground.covers(shapely.Point(report.longitude, report.latitude)):
        return None
    return locate(Point(report.longitude, report.latitude))


def _place(report: Report, village: str, grid: str | None, successors: Mapping[str, str]) -> None:
    region = tree()[village]
    assert region.county_code is not None
    assert region.township_code is not None
    if report.excluded_village_code == report.village_code:
        # Hidden from those who were of the closed village, too: `identity` ties them to the successor.
        report.excluded_village_code = village
    kept = successors.get(report.grid_code or "", report.grid_code)
    report.grid_code = grid or (kept if kept and kept != village and kept.startswith(village) else None)
    report.county_code, report.township_code, report.village_code = region.county_code, region.township_code, village
    report.candidates = _candidates(report.candidates, village, successors)
    report.copy_codes = list(dict.fromkeys(successors.get(code, code) for code in report.copy_codes))


def _candidates(candidates: Sequence[Mapping[str, Any]], village: str, successors: Mapping[str, str]) -> list[Any]:
    """The other villages, each under its present code, once, nearest first."""
    found: dict[str, Mapping[str, Any]] = {}
    for each in candidates:
        code = successors.get(each["code"], each["code"])
        if code != village:
            found.setdefault(code, {**each, "code": code})
    return list(found.values())


def _desk(report: Report, old: str, desk: str | None, successors: Mapping[str, str]) -> str | None:
    """Who goes on for the desk: a village's own for its place, of a township or county the one above the place."""
    if desk is None:
        return None
    village = report.village_code
    wanted = desk
    if desk == old:
        wanted = village
    elif desk in successors:
        wanted = successors[desk]
    elif old.startswith(desk) and not village.startswith(desk):
        wanted = within(village, tree()[desk].level)
    return _allowed(wanted, report)


def _allowed(desk: str, report: Report) -> str:
    """The desk, or, where it may not have the report, who decides instead."""
    place = Place(report.village_code)
    above = report.village_code.startswith(desk)
    if (report.exclusions and not above) or within(desk, Level.COUNTY) != report.county_code:
        return routing.triage_desk(place, report.exclusions, tree().standing)
    return desk


def _note(old: str, village: str, old_desk: str | None, desk: str | None) -> str:
    names = region_names(code for code in (old, village, old_desk, desk) if code)
    before, after = (old, village) if old != village else (old_desk or "", desk or "")
    if before == after:
        return "网格调整。"
    return f"区划调整：{names.get(before, before)}已并入或改设为{names.get(after, after)}。"


HOLDING = RegionHolding("reports", "未办结上报", _count, _move, rows=_rows, move_rows=_move)
