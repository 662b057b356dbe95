"""Import regions and boundaries: all of it or nothing."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import shapely
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.kernel.coordinates import Datum
from wxapi.kernel.errors import InvalidError
from wxapi.platform import audit
from wxapi.platform.db import transaction
from wxapi.regions import queries
from wxapi.regions.models import Region
from wxapi.regions.rules.changes import Closing, closing_of
from wxapi.regions.rules.checking import (
    OVERLAP_TOLERANCE_M,
    Entry,
    NewRegion,
    Track,
    check_boundaries,
    check_overlaps,
    check_tree,
)
from wxapi.regions.rules.plane import Polygonal
from wxapi.regions.rules.tree import Tree
from wxapi.regions.services.changing import carry_out, check_day, lying
from wxapi.regions.services.lookup import tree
from wxapi.regions.services.snapshot import regions_cache
from wxapi.regions.services.versions import hold_changes, new_version

_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Orders:
    """How files are to be imported.

    Args:
        overlap_tolerance_m: the width up to which two regions of one level may overlap.
        closing: code → successor, of regions that end with this import (a split, a merger with a new border).
        on: their last day; None only without any.
        dry_run: say what would change, and change nothing.
    """

    overlap_tolerance_m: float = OVERLAP_TOLERANCE_M
    closing: Mapping[str, str | None] = field(default_factory=dict)
    on: date | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import wrote, or would write.

    Args:
        version: of the boundaries; None when nothing was written.
        regions: how many the files name.
        boundaries: how many the files bring.
        added: code → name of what is new.
        renamed: code → former and new name.
        redrawn: codes whose border changes.
        closed: code → successor of what ends.
        moved: Chinese name of what is handed on → how many.
    """

    version: int | None
    regions: int
    boundaries: int
    added: Mapping[str, str]
    renamed: Mapping[str, tuple[str, str]]
    redrawn: tuple[str, ...]
    closed: Mapping[str, str | None]
    moved: Mapping[str, int]


def import_regions(
    entries: Iterable[Entry],
    datum: Datum,
    *,
    now: datetime,
    orders: Orders | None = None,
    track: Track[Any] = lambda _label, items: items,
) -> ImportSummary:
    """Add regions and replace boundaries, all or nothing, and raise the boundaries' version with them.

    Regions that the files do not name stay as they are. A region named without a boundary keeps the one it has.

    Args:
        entries: of all files of this import: a county's villages may stand beside their townships.
        datum: of every coordinate in the files.
        now: the time of the import.
        orders: what else is wanted.
        track: wraps the long loops, to show their progress.

    Raises:
        InvalidError: with every fault found, each with its file and feature; nothing is written. `date_in_future`
            and what `closing_of` refuses.
        ConflictError: `import_running`; `region_in_use`.
    """
    orders = orders or Orders()
    if orders.on is not None:
        check_day(orders.on, now)
    try:
        with transaction() as session:
            hold_changes(session)
            regions_cache().expire()
            return _import(session, entries, datum, orders, track, now=now)
    finally:
        regions_cache().expire()


def _import(
    session: Session, entries: Iterable[Entry], datum: Datum, orders: Orders, track: Track[Any], *, now: datetime
) -> ImportSummary:
    before = tree()
    by_code = check_tree(entries, before.standing)
    _refuse_closed(by_code, before)
    closing = closing_of(before, orders.closing, by_code)
    regions = check_boundaries(by_code, datum, track)
    replaced = {region.code for region in regions if region.boundary is not None}
    old = queries.boundaries(session, {region.level for region in regions if region.boundary is not None})
    kept = {code: polygon for code, polygon in old.items() if code not in replaced | closing.successors.keys()}
    check_overlaps(regions, kept, orders.overlap_tolerance_m, track)
    summary = _summary(regions, before, old, closing)
    if orders.dry_run:
        return replace(summary, version=None, moved=lying(session, closing, now))
    _write(session, regions, track)
    if orders.on is not None and closing.successors:
        changed = carry_out(session, closing, on=orders.on, now=now, brought=(len(regions), len(replaced)))
        version, moved = changed.version, changed.moved
    else:
        version, moved = new_version(session, regions=len(regions), boundaries=len(replaced), now=now), {}
    audit.record(session, None, "regions.import", subject=f"regions:{version}", at=now, regions=len(regions))
    return replace(summary, version=version, moved=moved)


def _refuse_closed(by_code: Mapping[str, list[Entry]], before: Tree) -> None:
    """A code that was closed does not come back: old reports bear it.

    Raises:
        InvalidError: `region_closed`.
    """
    closed = [entries[0] for code, entries in by_code.items() if code in before and code not in before.standing]
    if closed:
        lines = [f"{entry.where}（{entry.code} {entry.name}）：该区划已撤销，不能再导入。" for entry in closed[:20]]
        raise InvalidError("region_closed", "\n".join(lines))


def _summary(
    regions: Collection[NewRegion], before: Tree, old: Mapping[str, Polygonal], closing: Closing
) -> ImportSummary:
    known = {region.code: before[region.code].name for region in regions if region.code in before}
    return ImportSummary(
        version=None,
        regions=len(regions),
        boundaries=sum(region.boundary is not None for region in regions),
        added={region.code: region.name for region in regions if region.code not in known},
        renamed={
            region.code: (known[region.code], region.name)
            for region in regions
            if known.get(region.code, region.name) != region.name
        },
        redrawn=tuple(region.code for region in regions if region.code in known and _differs(region, old)),
        closed=closing.successors,
        moved={},
    )


def _differs(region: NewRegion, old: Mapping[str, Polygonal]) -> bool:
    return region.boundary is not None and not shapely.equals_identical(region.boundary, old.get(region.code))


def _write(session: Session, regions: Collection[NewRegion], track: Track[int]) -> None:
    """Insert or update, parents first, some hundreds of rows a statement."""
    rows = [_row(region) for region in regions]
    statement = insert(Region)
    statement = statement.on_conflict_do_update(
        index_elements=[Region.code],
        set_={
            "name": statement.excluded.name,
            "boundary": func.coalesce(statement.excluded.boundary, Region.boundary),
        },
    )
    for start in track("写入数据库", range(0, len(rows), _ROWS_AT_ONCE)):
        session.execute(statement, rows[start : start + _ROWS_AT_ONCE])


def _row(region: NewRegion) -> dict[str, Any]:
    return {
        "code": region.code,
        "name": region.name,
        "level": region.level.value,
        "parent_code": region.parent_code,
        "boundary": None if region.boundary is None else shapely.to_wkb(region.boundary),
    }
