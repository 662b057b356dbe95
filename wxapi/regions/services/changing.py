"""Regions that are closed, merged, renamed or given new codes: everything goes on in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import shapely
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import ConflictError, InvalidError
from wxapi.platform import audit, sweeps
from wxapi.platform.db import db, transaction
from wxapi.regions import queries
from wxapi.regions.models import Region, RegionVersion
from wxapi.regions.rules.changes import Closing, RegionMove, closing_of, recoding_of, standing
from wxapi.regions.rules.levels import check_region, level_of, parent_of
from wxapi.regions.rules.plane import Polygonal, is_sound
from wxapi.regions.services import holdings
from wxapi.regions.services.lookup import tree
from wxapi.regions.services.snapshot import regions_cache
from wxapi.regions.services.versions import hold_changes, new_version

# Processes know of a change within seconds; what they wrote before that is found by then.
_SETTLED_AFTER = timedelta(hours=1)
# Some minutes and not one: a run may come late.
_LATER_MINUTES = 5


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change did, or would do.

    Args:
        closed: code → its successor.
        moved: Chinese name of what was handed on → how many.
        version: of the boundaries; None when nothing was written.
    """

    closed: Mapping[str, str | None]
    moved: Mapping[str, int]
    version: int | None


@dataclass(frozen=True, slots=True)
class Merger:
    """Regions that end, and the one that goes on for all of them.

    Args:
        codes: what is closed.
        into: who goes on; None only where nothing is left to be done.
        name: of a successor that does not exist yet.
        keep_boundary: the successor's ground stays as it is: its new border is imported. Else it gets theirs.
    """

    codes: Sequence[str]
    into: str | None = None
    name: str | None = None
    keep_boundary: bool = False


def close_regions(merger: Merger, *, on: date, now: datetime, dry_run: bool = False) -> Changed:
    """Close regions (撤销、合村并居); what they still have to do goes to the successor.

    Raises:
        InvalidError: `date_in_future`; `unknown_region`, `region_closed`, `region_has_parts`, `successor_invalid`,
            `code_taken`, `bad_code`, `bad_name`.
        ConflictError: `region_in_use`, it has no successor; `import_running`.
    """
    check_day(on, now)
    with _changing() as session:
        coming = _coming(merger)
        closing = closing_of(tree(), dict.fromkeys(merger.codes, merger.into), coming)
        if dry_run:
            if merger.into is not None and not merger.keep_boundary:
                _grounds(session, [merger.into, *merger.codes])  # what is broken is refused
            return Changed(closing.successors, lying(session, closing, now), None)
        if coming:
            assert merger.name is not None
            _add(session, coming[0], merger.name)
        if merger.into is not None and not merger.keep_boundary:
            _unite(session, merger)
        return carry_out(session, closing, on=on, now=now)


def recode_region(old: str, new: str, *, name: str | None, on: date, now: datetime, dry_run: bool = False) -> Changed:
    """Give a region a new code, and with it all below it; grounds stay, names too unless one is given.

    Raises:
        InvalidError: `date_in_future`, and what `recoding_of` refuses.
        ConflictError: `import_running`.
    """
    check_day(on, now)
    with _changing() as session:
        closing = recoding_of(tree(), old, new)
        if dry_run:
            return Changed(closing.successors, lying(session, closing, now), None)
        for move in closing.moves:
            row = session.get_one(Region, move.old)
            _add(session, move.new, name if name and move.old == old else row.name, row.boundary)
        return carry_out(session, closing, on=on, now=now)


def rename_region(code: str, name: str, *, now: datetime, dry_run: bool = False) -> str:
    """Give a region another name; returns the former one.

    Raises:
        InvalidError: `unknown_region`, `region_closed`, `bad_name`.
        ConflictError: `import_running`.
    """
    with _changing() as session:
        standing(tree(), code)
        check_region(code, name, level_of(code) or "", None)
        row = session.get_one(Region, code)
        if dry_run:
            return row.name
        former, row.name = row.name, name
        new_version(session, regions=1, boundaries=0, now=now)
        audit.record(session, None, "regions.rename", subject=f"region:{code}", at=now)
        return former


def settle(*, now: datetime) -> int:
    """Hand on what was written for a closed region by a process that did not know of it yet; returns how much.

    Looks every minute for an hour after a change, and later in the first minutes of each hour, for what could not be
    handed on. All in one transaction; where that fails, in smaller and smaller ones, so that a report that cannot
    follow waits alone, and anything else holds up what is of its kind in its region. The log names it
    (`row_not_swept`).
    """
    session: Session = db.session()
    changed_at = session.scalar(select(func.max(RegionVersion.imported_at)))
    looks = changed_at is not None and (changed_at >= now - _SETTLED_AFTER or now.minute < _LATER_MINUTES)
    codes = closed_with_successor(session) if looks else []
    left = holdings.counted(session, codes, now)
    parts = holdings.parts(session, codes, now) if left else []
    session.rollback()  # the read is over
    return sweeps.together("regions.settle", parts, lambda some: _settle(some, codes, now)).done


def closed_with_successor(session: Session) -> list[str]:
    """Codes of closed regions for which another goes on, from above to below: a village goes on before its grids."""
    closed = queries.closures(session)
    codes = (code for code, closure in closed.items() if closure.successor_code is not None)
    return sorted(codes, key=lambda code: (len(code), code))


def _settle(parts: Sequence[holdings.HoldingPart], codes: Sequence[str], now: datetime) -> int:
    with transaction() as session:
        regions = tree()
        pairs = ((code, regions.successor(code)) for code in codes)
        moves = [RegionMove(code, successor) for code, successor in pairs if successor is not None]
        return holdings.move_parts(session, parts, moves, now)


def carry_out(
    session: Session, closing: Closing, *, on: date, now: datetime, brought: tuple[int, int] = (0, 0)
) -> Changed:
    """Close the regions and hand on what lies with them, in the caller's transaction.

    Args:
        session: of the open transaction.
        closing: what ends, and who goes on.
        on: the last day of what ends.
        now: the present instant.
        brought: how many regions and boundaries came with the change.

    Raises:
        ConflictError: `region_in_use`.
    """
    # As a dry run says it: reports take their duties along before these are looked for.
    moved = lying(session, closing, now)
    for code, successor in closing.successors.items():
        values = {"closed_on": on, "successor_code": successor}
        session.execute(update(Region).where(Region.code == code).values(**values))
        # One step from any closed region to who goes on now.
        earlier = update(Region).where(Region.successor_code == code)
        if successor is not None:
            session.execute(earlier.values(successor_code=successor))
    regions, boundaries = brought
    version = new_version(session, regions=regions + len(closing.successors), boundaries=boundaries, now=now)
    holdings.move(session, closing.moves, now)
    for code, successor in closing.successors.items():
        audit.record(session, None, "regions.close", subject=f"region:{code}", at=now, successor=successor)
    return Changed(closing.successors, moved, version)


def lying(session: Session, closing: Closing, now: datetime) -> Mapping[str, int]:
    """What lies with the regions that end: Chinese name → how many. A dry run refuses what the change itself would.

    Raises:
        ConflictError: `region_in_use`, where nobody goes on for a region with something in it.
    """
    if left := holdings.counted(session, closing.ended, now):
        what = "、".join(f"{zh} {count}" for zh, count in left.items())
        raise ConflictError("region_in_use", f"区划内还有未了事项（{what}），请指定承接区划。")
    return holdings.counted(session, list(closing.successors), now)


@contextmanager
def _changing() -> Iterator[Session]:
    """One transaction that changes regions. Whatever comes of it, this process looks at the regions anew after it."""
    try:
        with transaction() as session:
            hold_changes(session)
            regions_cache().expire()
            yield session
    finally:
        regions_cache().expire()


def check_day(on: date, now: datetime) -> None:
    """Refuse a last day that is to come: the regions as processes hold them know no future.

    Raises:
        InvalidError: `date_in_future`.
    """
    if on > local_day(now):
        raise InvalidError("date_in_future", "撤销日期不能晚于今天。")


def _coming(merger: Merger) -> tuple[str, ...]:
    """The successor, where it does not exist yet.

    Raises:
        InvalidError: `code_taken`, `bad_code`, `bad_name`, `unknown_parent`.
    """
    if merger.name is None or merger.into is None:
        return ()
    if merger.into in tree():
        raise InvalidError("code_taken", f"代码 {merger.into} 已在使用；改名请用 regions rename。")
    check_region(merger.into, merger.name, level_of(merger.into) or "", None)
    above = parent_of(merger.into)
    if above is not None and above not in tree().standing:
        raise InvalidError("unknown_parent", f"上级 {above} 不存在或已撤销。")
    return (merger.into,)


def _add(session: Session, code: str, name: str, boundary: bytes | None = None) -> None:
    level = level_of(code)
    assert level is not None  # checked before
    session.add(Region(code=code, name=name, level=level.value, parent_code=parent_of(code), boundary=boundary))
    session.flush()


def _unite(session: Session, merger: Merger) -> None:
    """The successor's ground becomes its own and that of all that is closed."""
    assert merger.into is not None
    grounds = _grounds(session, [merger.into, *merger.codes])
    if not grounds.keys() & {*merger.codes}:
        return
    united = shapely.union_all(list(grounds.values()))
    row = session.scalars(select(Region).where(Region.code == merger.into)).one()
    row.boundary = shapely.to_wkb(united)
    session.flush()


def _grounds(session: Session, codes: Sequence[str]) -> dict[str, Polygonal]:
    """The grounds of these regions, of those that have one.

    Raises:
        ConflictError: `boundary_broken`: what is united without one would lose its ground for good.
    """
    kept = queries.kept_boundaries_of(session, codes)
    sound = {code: ground for code, ground in kept.items() if is_sound(ground)}
    if broken := sorted(kept.keys() - sound.keys()):
        names = "、".join(f"{code} {tree()[code].name}" for code in broken)
        raise ConflictError(
            "boundary_broken", f"{names}的边界已损坏，请先重新导入，或使用 --keep-boundary 不合并边界。"
        )
    return sound
