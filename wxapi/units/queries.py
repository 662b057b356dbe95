"""Reads of units: lists for a screen, and the rows of a region's own office as they are named."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import false, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.regions.rules.levels import path_of
from wxapi.regions.services.lookup import tree
from wxapi.units.models import Matter, Unit
from wxapi.units.rules import UnitKind, is_region


@dataclass(frozen=True, slots=True)
class UnitView:
    """A unit as people read it, with the names of its region."""

    code: str
    name: str
    kind: UnitKind
    field: str | None
    region_code: str
    region_name: str
    region_full_name: str
    closed_on: date | None
    successor_code: str | None


@dataclass(frozen=True, slots=True)
class UnitFilter:
    """Which units a list shows: those of a region and below, of a kind, whose name holds a text."""

    region: str | None = None
    kind: UnitKind | None = None
    text: str | None = None


def view_of(row: Unit) -> UnitView:
    """A stored unit with its region's names."""
    region = tree().get(row.region_code)
    return UnitView(
        code=row.code,
        name=region.name if region is not None and row.kind == UnitKind.REGION else row.name,
        kind=UnitKind(row.kind),
        field=row.field,
        region_code=row.region_code,
        region_name=region.name if region else row.region_code,
        region_full_name=region.full_name if region else row.region_code,
        closed_on=row.closed_on,
        successor_code=row.successor_code,
    )


def find(session: Session, code: str) -> UnitView | None:
    """One unit, a region's own office also where nobody has named it yet."""
    row = session.get(Unit, code)
    return view_of(row) if row is not None else _office(code)


def _office(code: str) -> UnitView | None:
    region = tree().get(code) if is_region(code) else None
    if region is None:
        return None
    return UnitView(code, region.name, UnitKind.REGION, None, code, region.name, region.full_name, None, None)


def page(session: Session, wanted: UnitFilter, *, after: str | None, limit: int) -> Sequence[UnitView]:
    """Up to `limit + 1` units that hang on regions, by code; offices only where `kind` asks for them."""
    if wanted.kind is UnitKind.REGION:
        return _offices(wanted, after=after, limit=limit)
    statement = select(Unit).where(Unit.kind != UnitKind.REGION).order_by(Unit.code).limit(limit + 1)
    if wanted.region is not None:
        statement = statement.where(Unit.region_code.startswith(wanted.region, autoescape=True))
    if wanted.kind is not None:
        statement = statement.where(Unit.kind == wanted.kind)
    if wanted.text:
        statement = statement.where(
            or_(Unit.name.contains(wanted.text, autoescape=True), Unit.code.startswith(wanted.text, autoescape=True))
        )
    if after is not None:
        statement = statement.where(Unit.code > after)
    return [view_of(row) for row in session.scalars(statement)]


def named(session: Session, regions: Iterable[str] | None) -> list[UnitView]:
    """All units that hang at or below one of the regions, closed ones too, without regions' own offices; None: all."""
    statement = select(Unit).where(Unit.kind != UnitKind.REGION).order_by(Unit.code)
    if regions is not None:
        statement = statement.where(
            or_(false(), *(Unit.region_code.startswith(code, autoescape=True) for code in regions))
        )
    return [view_of(row) for row in session.scalars(statement)]


def lock_standing(session: Session, codes: Collection[str]) -> set[str]:
    """Those of the units that stand; none of them is closed before the transaction ends."""
    wanted = select(Unit.code).where(Unit.code.in_(codes), Unit.closed_on.is_(None)).order_by(Unit.code)
    return set(session.scalars(wanted.with_for_update(read=True)))


def standing_unit(session: Session, code: str) -> str | None:
    """The unit, or where it was closed the one that goes on for it; None where nobody does, or a region's office.

    It is not closed before the transaction ends.
    """
    seen: set[str] = set()
    while code not in seen and not is_region(code):
        seen.add(code)
        if lock_standing(session, [code]):
            return code
        code = session.scalar(select(Unit.successor_code).where(Unit.code == code)) or code
    return None


def _offices(wanted: UnitFilter, *, after: str | None, limit: int) -> Sequence[UnitView]:
    """Every region is a unit, named yet or not: the list comes from the tree."""
    codes = sorted(
        region.code
        for region in tree().below(wanted.region)
        if (after is None or region.code > after) and (not wanted.text or wanted.text in region.name)
    )
    return [office for code in codes[: limit + 1] if (office := _office(code)) is not None]


def make_offices(session: Session, codes: Collection[str], *, now: datetime) -> None:
    """Write the rows of regions' own offices that are not there yet; other codes are left out."""
    rows = [
        {"code": code, "region_code": code, "name": tree()[code].name, "kind": UnitKind.REGION, "created_at": now}
        for code in sorted(set(codes))
        if code in tree()
    ]
    if rows:
        session.execute(insert(Unit).values(rows).on_conflict_do_nothing(index_elements=["code"]))


def unit_names(session: Session, codes: Collection[str]) -> dict[str, str]:
    """Code → name as people read it; a region's office is named like the region."""
    regions = tree()
    names = {code: regions[code].name for code in codes if code in regions}
    others = [code for code in codes if code not in names]
    if others:
        found = session.execute(select(Unit.code, Unit.name).where(Unit.code.in_(others)))
        names |= {row.code: row.name for row in found}
    return names | {code: code for code in codes if code not in names}


def matters(
    session: Session, region: str, text: str | None, *, after: tuple[str, str] | None, limit: int
) -> Sequence[Matter]:
    """Up to `limit + 1` matters that hold for a region: its own list and those of the regions above it, by code.

    `after`: code and region of the last one seen, since a code may stand in several of these lists.
    """
    statement = select(Matter).where(Matter.region_code.in_(path_of(region))).order_by(Matter.code, Matter.region_code)
    if text:
        statement = statement.where(
            or_(Matter.name.contains(text, autoescape=True), Matter.code.startswith(text, autoescape=True))
        )
    if after is not None:
        statement = statement.where(tuple_(Matter.code, Matter.region_code) > tuple_(*after))
    return list(session.scalars(statement.limit(limit + 1)))
