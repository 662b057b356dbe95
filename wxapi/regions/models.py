"""Tables of the regions. What follows from a code (parent, path, full name) is not stored twice."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from wxapi.platform.db import Base
from wxapi.regions.rules.levels import LONGEST_CODE, LONGEST_NAME


class Region(Base):
    """One node of city > county > township > village > grid.

    Regions are added, renamed and closed, never removed: a trigger refuses it, since reports name their village and
    grid without a foreign key.
    """

    __tablename__ = "regions"
    __table_args__ = (
        CheckConstraint("code ~ '^([0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15})$'", name="code_digits"),
        CheckConstraint("level IN ('city', 'county', 'township', 'village', 'grid')", name="level_known"),
        CheckConstraint("starts_with(code, parent_code)", name="code_below_parent"),
        CheckConstraint(
            "successor_code IS NULL OR (closed_on IS NOT NULL AND successor_code <> code)", name="successor"
        ),
        Index("ix_regions_parent_code_code", "parent_code", "code"),
    )

    code: Mapped[str] = mapped_column(String(LONGEST_CODE), primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    level: Mapped[str] = mapped_column(String(10))
    parent_code: Mapped[str | None] = mapped_column(String(LONGEST_CODE), ForeignKey("regions.code"))
    # WKB, GCJ-02 degrees, longitude first; None for a node that only groups others.
    boundary: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    # The last day it stands; None while it does. From then on it is a name in what is old.
    closed_on: Mapped[date | None] = mapped_column(Date)
    successor_code: Mapped[str | None] = mapped_column(String(LONGEST_CODE), ForeignKey("regions.code"))


class RegionVersion(Base):
    """One import or change. The highest id is the version: processes that hold an older one read all again.

    The id comes from a sequence, so that a rolled-back import never lends its number to another one.
    """

    __tablename__ = "region_versions"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    imported_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    regions: Mapped[int] = mapped_column(Integer)
    boundaries: Mapped[int] = mapped_column(Integer)
