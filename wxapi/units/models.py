"""Tables of the units and of the townships' lists of matters."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, DateTime, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from wxapi.platform.db import Base
from wxapi.units.rules import LONGEST_CODE


class Unit(Base):
    """Who acts. The row of a region's own office is made when the region is first named as a unit."""

    __tablename__ = "units"
    __table_args__ = (
        CheckConstraint("code = region_code OR starts_with(code, region_code || '-')", name="code_below_region"),
        CheckConstraint("(kind = 'region') = (code = region_code)", name="kind_region"),
        CheckConstraint("successor_code IS NULL OR closed_on IS NOT NULL", name="successor"),
        Index("ix_units_region_code", "region_code", "code", postgresql_ops={"region_code": "text_pattern_ops"}),
    )

    code: Mapped[str] = mapped_column(String(LONGEST_CODE), primary_key=True)
    region_code: Mapped[str] = mapped_column(String(15), ForeignKey("regions.code"))
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    field: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # The last day the unit acts; None while it stands.
    closed_on: Mapped[date | None] = mapped_column(Date)
    successor_code: Mapped[str | None] = mapped_column(ForeignKey("units.code"))


class Matter(Base):
    """One line of a township's list of matters (履职事项清单), valid for a region and all below it."""

    __tablename__ = "matters"

    region_code: Mapped[str] = mapped_column(String(15), ForeignKey("regions.code"), primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    lead_unit_code: Mapped[str | None] = mapped_column(Text)
