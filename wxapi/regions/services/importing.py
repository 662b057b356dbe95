"""Import regions and boundaries: all of it or nothing."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shapely
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.kernel.coordinates import Datum
from wxapi.kernel.errors import ConflictError
from wxapi.platform import audit
from wxapi.platform.db import transaction
from wxapi.regions import queries
from wxapi.regions.models import Region, RegionVersion
from wxapi.regions.rules.checking import (
    OVERLAP_TOLERANCE_M,
    Entry,
    NewRegion,
    Track,
    check_boundaries,
    check_overlaps,
    check_tree,
)
from wxapi.regions.services.snapshot import regions_cache

_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import wrote."""

    version: int
    regions: int
    boundaries: int


def import_regions(
    entries: Iterable[Entry],
    datum: Datum,
    *,
    now: datetime,
    overlap_tolerance_m: float = OVERLAP_TOLERANCE_M,
    track: Track[Any] = lambda _label, items: items,
) -> ImportSummary:
    """Add regions and replace boundaries, all or nothing, and raise the boundaries' version with them.

    Regions that the files do not name stay as they are. A region named without a boundary keeps the one it has.

    Args:
        entries: of all files of this import: a county's villages may stand beside their townships.
        datum: of every coordinate in the files.
        now: the time of the import.
        overlap_tolerance_m: the width up to which two regions of one level may overlap.
        track: wraps the long loops, to show their progress.

    Raises:
        InvalidError: with every fault found, each with its file and feature; nothing is written.
        ConflictError: `import_running`.
    """
    with transaction() as session:
        _hold_imports(session)
        known = {code for code, _ in queries.all_names(session)}
        regions = check_boundaries(check_tree(entries, known), datum, track)
        replaced = {region.code for region in regions if region.boundary is not None}
        levels = {region.level for region in regions if region.boundary is not None}
        old = queries.boundaries(session, levels)
        kept = {code: polygon for code, polygon in old.items() if code not in replaced}
        check_overlaps(regions, kept, overlap_tolerance_m, track)
        _write(session, regions, track)
        version = RegionVersion(imported_at=now, regions=len(regions), boundaries=len(replaced))
        session.add(version)
        session.flush()
        subject = f"regions:{version.id}"
        audit.record(session, None, "regions.import", subject=subject, at=now, regions=len(regions))
    regions_cache().expire()
    return ImportSummary(version.id, version.regions, version.boundaries)


def _hold_imports(session: Session) -> None:
    """One import at a time: the next one must check its overlaps against what this one writes."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtext("regions.import")))):
        raise ConflictError("import_running", "另一个导入正在进行,请等它结束后再试。")
    # A province is checked for minutes between two statements.
    session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


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
