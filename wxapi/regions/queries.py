"""Reads of the regions: what an index, an import or a process' version check needs."""

from collections.abc import Iterable, Mapping
from typing import cast

import shapely
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from wxapi.regions.models import Region, RegionVersion
from wxapi.regions.rules.plane import Polygonal, is_sound
from wxapi.regions.rules.tree import Closure


def current_version(session: Session) -> int:
    """The boundaries' version, 0 before the first import. One tiny statement on the end of an index."""
    return session.scalar(select(func.max(RegionVersion.id))) or 0


def all_names(session: Session) -> list[tuple[str, str]]:
    """(code, name) of every region."""
    return [(code, name) for code, name in session.execute(select(Region.code, Region.name))]


def closures(session: Session) -> dict[str, Closure]:
    """Code → how it was closed, of every region that was."""
    query = select(Region.code, Region.closed_on, Region.successor_code).where(Region.closed_on.is_not(None))
    return {code: Closure(closed_on, successor) for code, closed_on, successor in session.execute(query) if closed_on}


def boundaries(session: Session, levels: Iterable[str] | None = None) -> dict[str, Polygonal]:
    """Code → polygon in GCJ-02 degrees of what stands and has a sound one, of the given levels or of all."""
    standing = [Region.closed_on.is_(None)]
    return _sound(_kept(session, *standing, *([] if levels is None else [Region.level.in_(list(levels))])))


def boundaries_of(session: Session, codes: Iterable[str]) -> dict[str, Polygonal]:
    """Code → polygon in GCJ-02 degrees of these regions; regions without a sound one are left out."""
    return _sound(kept_boundaries_of(session, codes))


def kept_boundaries(session: Session) -> dict[str, Polygonal | None]:
    """Code → polygon of what stands and has one, whatever state it is in; None where it cannot be read."""
    return _kept(session, Region.closed_on.is_(None))


def kept_boundaries_of(session: Session, codes: Iterable[str]) -> dict[str, Polygonal | None]:
    """`kept_boundaries`, of these regions, also of closed ones."""
    return _kept(session, Region.code.in_(list(codes)))


def _kept(session: Session, *conditions: ColumnElement[bool]) -> dict[str, Polygonal | None]:
    rows = session.execute(select(Region.code, Region.boundary).where(Region.boundary.is_not(None), *conditions)).all()
    polygons = shapely.from_wkb([wkb for _, wkb in rows], on_invalid="ignore")
    return {code: cast("Polygonal | None", polygon) for (code, _), polygon in zip(rows, polygons, strict=True)}


def _sound(kept: Mapping[str, Polygonal | None]) -> dict[str, Polygonal]:
    return {code: polygon for code, polygon in kept.items() if is_sound(polygon)}
