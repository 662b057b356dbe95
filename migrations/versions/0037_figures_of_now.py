"""Duties: what is open about a place, and what was past due when it came, each by an index of its own

Revision ID: 0037_figures_of_now
Revises: 0036_duties_kept
"""

from alembic import op
from sqlalchemy import text

from wxapi.platform import migrate

revision = "0037_figures_of_now"
down_revision = "0036_duties_kept"
branch_labels = None
depends_on = None

_BEGUN = [
    "stage", "place_township_code", "place_village_code", "class_code", "unit_code", "confidential", "subject_type",
    "due_at",
]  # fmt: skip


def upgrade() -> None:
    with migrate.without_blocking():
        _make("ix_duties_inherited", "started_at", _BEGUN, "started_at > due_at")
        _make("ix_duties_open_place", "due_at", [], "met_at IS NULL AND dropped_at IS NULL")


def _make(name: str, second: str, read: list[str], where: str) -> None:
    op.drop_index(name, "duties", postgresql_concurrently=True, if_exists=True)
    op.create_index(
        name,
        "duties",
        ["place_county_code", second],
        postgresql_include=read or None,
        postgresql_where=text(where),
        postgresql_concurrently=True,
    )


def downgrade() -> None:
    with migrate.without_blocking():
        for name in ("ix_duties_open_place", "ix_duties_inherited"):
            op.drop_index(name, "duties", postgresql_concurrently=True, if_exists=True)
