"""Reports: all that is counted of a county's desks stands in their index, and a fiftieth of the rows is vacuumed at a time

Revision ID: 0053_counts_of_desks
Revises: 0052_regions_stay
"""

from alembic import op
from sqlalchemy import text

from wxapi.platform import migrate

revision = "0053_counts_of_desks"
down_revision = "0052_regions_stay"
branch_labels = None
depends_on = None

_COUNTED = [
    "due_at", "state", "card", "hold_pending", "extension", "category_code", "excluded_village_code", "county_code",
    "township_code", "village_code", "longitude", "latitude",
]  # fmt: skip
# What stands in an index alone is read from it where the page of the row was vacuumed since it changed.
_VACUUMED_AT = "autovacuum_vacuum_scale_factor"


def upgrade() -> None:
    op.execute(f"ALTER TABLE reports SET ({_VACUUMED_AT} = 0.02)")
    _replace(_COUNTED)


def downgrade() -> None:
    op.execute(f"ALTER TABLE reports RESET ({_VACUUMED_AT})")
    _replace([])


def _replace(counted: list[str]) -> None:
    migrate.replace_index(
        "ix_reports_open_county_due",
        "reports",
        ["desk_county_code", text("coalesce(due_at, 'infinity'::timestamptz)"), "id"],
        include=counted,
        where="is_open AND desk_county_code IS NOT NULL",
    )
