"""A report: one row, with what its workflow, its queues and its figures need."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    Uuid,
    false,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, validates

from wxapi.kernel.deadlines import Limits
from wxapi.platform.db import Base
from wxapi.regions.rules.levels import LONGEST_CODE
from wxapi.reports.models.columns import At
from wxapi.reports.rules.routing import Place
from wxapi.reports.rules.state import OPEN_STATES

# A partial index is used only by a query that repeats its condition word for word. A column instead of the states
# themselves, so that a new state rebuilds no index.
OPEN_SQL, OVER_SQL = "is_open", "NOT is_open"
# What a queue is sorted by: a report whose clock stands comes last. Never NULL, so that one comparison of
# (key, id) goes on after a cursor and an index answers it.
DUE_SQL = "coalesce(due_at, 'infinity'::timestamptz)"


# What the tabs and the map of a desk count, and what narrows them: of a county, or of all of them, it is counted
# without reading thousands of rows, each on a page of its own.
_COUNTED = (
    "due_at", "state", "card", "hold_pending", "extension", "category_code", "excluded_village_code", "county_code",
    "township_code", "village_code", "longitude", "latitude",
)  # fmt: skip


def _open_index(name: str, *columns: str, only: str = OPEN_SQL, beside: Sequence[str] = ()) -> Index:
    expressions = (text(column) if "(" in column else column for column in columns)
    return Index(f"ix_reports_{name}", *expressions, postgresql_where=text(only), postgresql_include=[*beside])


def _desk_indexes(level: str, *, beside: Sequence[str] = ()) -> tuple[Index, Index]:
    """What lies on desks, by its due time while it is open, and by its age. A report just filed lies on none."""
    desk = f"desk_{level}_code"
    on_desk = f"{OPEN_SQL} AND {desk} IS NOT NULL"
    due = _open_index(f"open_{level}_due", desk, DUE_SQL, "id", only=on_desk, beside=beside)
    created = Index(
        f"ix_reports_desk_{level}_created", desk, "created_at", "id", postgresql_where=text(f"{desk} IS NOT NULL")
    )
    return due, created


class Report(Base):
    """One problem at one place. Only `services.apply` writes the columns named like fields of `Case`."""

    __tablename__ = "reports"
    __table_args__ = (
        CheckConstraint("desk_code IS NOT NULL OR routed_at IS NULL", name="routed"),
        # The last wall of the exclusion: no row may put a report on the desk of the village it is hidden from.
        CheckConstraint("NOT starts_with(desk_code, excluded_village_code)", name="exclusion"),
        CheckConstraint("(state = 'merged') = (merged_into_id IS NOT NULL)", name="merged"),
        Index("uq_reports_number", "number", unique=True),
        Index("ix_reports_reporter_id", "reporter_id", "created_at", "id"),
        *_desk_indexes("county", beside=_COUNTED),
        *_desk_indexes("township"),
        *_desk_indexes("village"),
        # The city's own people see all desks.
        _open_index("open_due", DUE_SQL, "id"),
        Index("ix_reports_created_at", "created_at", "id"),
        _open_index("open_place", "latitude", "longitude"),
        # What is long over, whose pictures and sealed words go.
        Index("ix_reports_over", "updated_at", "id", postgresql_where=text(OVER_SQL)),
        # What statistics and the panorama count; reports hidden from somebody are in no figure.
        Index(
            "ix_reports_filed",
            "county_code",
            "created_at",
            postgresql_include=["township_code", "village_code", "category_code", "desk_code"],
            postgresql_where=text("excluded_village_code IS NULL"),
        ),
        Index(
            "ix_reports_open_figures",
            "county_code",
            postgresql_include=[
                "township_code",
                "village_code",
                "category_code",
                "due_at",
                "disputes",
                "reopened",
                "state",
            ],
            postgresql_where=text(f"{OPEN_SQL} AND excluded_village_code IS NULL"),
        ),
        # What the sweeps look for.
        Index("ix_reports_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_reports_remind_at", "remind_at", postgresql_where=text("remind_at IS NOT NULL")),
        Index("ix_reports_resolved_at", "resolved_at", postgresql_where=text("state = 'resolved'")),
        Index("ix_reports_hold_review_on", "hold_review_on", postgresql_where=text("state = 'on_hold'")),
        # What lies in a village that is closed.
        Index("ix_reports_village_code", "village_code"),
        # What is hidden from it and goes on being hidden from its successor.
        Index(
            "ix_reports_excluded_village_code",
            "excluded_village_code",
            postgresql_where=text("excluded_village_code IS NOT NULL"),
        ),
        Index("ix_reports_merged_into_id", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    category_code: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    # GCJ-02, degrees; `accuracy` in metres as the phone said it.
    longitude: Mapped[float] = mapped_column(Float)
    latitude: Mapped[float] = mapped_column(Float)
    accuracy: Mapped[float | None] = mapped_column(Float)
    picked_by: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    county_code: Mapped[str] = mapped_column(Text)
    township_code: Mapped[str] = mapped_column(Text)
    # Of regions, without a foreign key: regions stay for ever, by a trigger, and each report would lock two rows that
    # its neighbours lock at the same time.
    village_code: Mapped[str] = mapped_column(String(LONGEST_CODE))
    grid_code: Mapped[str | None] = mapped_column(String(LONGEST_CODE))
    # Other villages it could lie in, nearest first: [{"code", "distance_m"}].
    candidates: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    # For this village's people the report does not exist; set at filing, never changed.
    excluded_village_code: Mapped[str | None] = mapped_column(Text)
    copy_codes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    reporter_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    # Random for each report: two reports of one person cannot be told to be theirs.
    reporter_label: Mapped[int] = mapped_column(SmallInteger)
    # How many persons joined: the rows of `report_joins`, and who has since been erased from them.
    me_too_count: Mapped[int] = mapped_column(Integer, server_default="0")
    created_at: Mapped[datetime] = mapped_column(At)
    updated_at: Mapped[datetime] = mapped_column(At)

    state: Mapped[str] = mapped_column(Text)
    # Follows the state, by `_follow_state`.
    is_open: Mapped[bool] = mapped_column(server_default=true())
    desk_code: Mapped[str | None] = mapped_column(ForeignKey("regions.code"))
    # Ancestors of `desk_code` (itself included), None above its level: scope is one equality.
    desk_county_code: Mapped[str | None] = mapped_column(Text)
    desk_township_code: Mapped[str | None] = mapped_column(Text)
    desk_village_code: Mapped[str | None] = mapped_column(Text)

    routed_at: Mapped[datetime | None] = mapped_column(At)
    # The class's limits at routing, seconds; a change of the table changes no report that is routed. None before it.
    respond_limit_s: Mapped[int | None] = mapped_column(Integer)
    resolve_limit_s: Mapped[int | None] = mapped_column(Integer)
    urgent: Mapped[bool | None]
    respond_due_at: Mapped[datetime | None] = mapped_column(At)
    resolve_due_at: Mapped[datetime | None] = mapped_column(At)
    due_at: Mapped[datetime | None] = mapped_column(At)
    remind_at: Mapped[datetime | None] = mapped_column(At)
    clock_stopped_at: Mapped[datetime | None] = mapped_column(At)
    respond_reminded: Mapped[bool] = mapped_column(server_default=false())
    resolve_reminded: Mapped[bool] = mapped_column(server_default=false())
    card: Mapped[str | None] = mapped_column(Text)
    respond_yellow: Mapped[bool] = mapped_column(server_default=false())
    resolve_yellow: Mapped[bool] = mapped_column(server_default=false())
    respond_lifted: Mapped[str | None] = mapped_column(Text)
    resolve_lifted: Mapped[str | None] = mapped_column(Text)

    returns: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    disputes: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    reopened: Mapped[bool] = mapped_column(server_default=false())
    appealed: Mapped[bool] = mapped_column(server_default=false())
    question_open: Mapped[bool] = mapped_column(server_default=false())
    hold_pending: Mapped[bool] = mapped_column(server_default=false())
    hold_reason_code: Mapped[str | None] = mapped_column(Text)
    hold_review_on: Mapped[date | None] = mapped_column(Date)
    hold_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    extension: Mapped[str | None] = mapped_column(Text)
    extension_days: Mapped[int | None] = mapped_column(SmallInteger)
    extended_s: Mapped[int | None] = mapped_column(Integer)
    extension_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    resolved_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    # Each once, in the order of the history.
    resolvers: Mapped[Sequence[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"))
    resolved_at: Mapped[datetime | None] = mapped_column(At)
    closed_at: Mapped[datetime | None] = mapped_column(At)
    rating: Mapped[int | None] = mapped_column(SmallInteger)
    township_confirms: Mapped[bool] = mapped_column(server_default=false())
    merged_into_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reports.id"))
    merged_from_state: Mapped[str | None] = mapped_column(Text)

    @validates("state")
    def _follow_state(self, _name: str, state: str) -> str:
        self.is_open = state in OPEN_STATES
        return state

    @property
    def place(self) -> Place:
        """Where it lies, as routing takes it."""
        return Place(self.village_code, self.grid_code, tuple(each["code"] for each in self.candidates))

    @property
    def limits(self) -> Limits | None:
        """The limits it was routed with; None before it is routed."""
        if self.respond_limit_s is None or self.resolve_limit_s is None:
            return None
        respond, resolve = timedelta(seconds=self.respond_limit_s), timedelta(seconds=self.resolve_limit_s)
        return Limits(respond, resolve, urgent=bool(self.urgent))

    @property
    def exclusions(self) -> tuple[str, ...]:
        """Regions whose people the report is hidden from."""
        return (self.excluded_village_code,) if self.excluded_village_code else ()
