"""Figures as they were published, for who may read them."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists, false, or_, select, tuple_
from sqlalchemy.orm import Session

from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.regions.rules.levels import CODE_LENGTH
from wxapi.supervision.models import Bulletin


def page(session: Session, regions: Collection[str], *, limit: int, cursor: str | None) -> Page[Bulletin]:
    """One page of the bulletins of some regions, of those below and of those above, newest first."""
    found = select(Bulletin).where(_readable(regions))
    if cursor is not None:
        found = found.where(tuple_(Bulletin.issued_at, Bulletin.id) < tuple_(*decode_cursor(cursor, datetime, UUID)))
    rows = session.scalars(found.order_by(Bulletin.issued_at.desc(), Bulletin.id.desc()).limit(limit + 1)).all()
    return page_of(rows, limit, lambda row: (row.issued_at, row.id))


def may_read(session: Session, regions: Collection[str], bulletin_id: UUID) -> bool:
    """Whether a bulletin is there for who reads those of some regions."""
    return bool(session.scalar(select(exists().where(Bulletin.id == bulletin_id, _readable(regions)))))


def _readable(regions: Collection[str]) -> ColumnElement[bool]:
    above = {region[:length] for region in regions for length in CODE_LENGTH.values()}
    below = (Bulletin.region_code.startswith(region, autoescape=True) for region in sorted(regions))
    return or_(false(), Bulletin.region_code.in_(sorted(above)), *below)
