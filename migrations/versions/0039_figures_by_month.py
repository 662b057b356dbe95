"""Duties: what began in a time and what was met in it, each by an index that holds all that is counted

Revision ID: 0039_figures_by_month
Revises: 0038_kept_figures
"""

from alembic import op
from sqlalchemy import text

from wxapi.platform import migrate

revision = "0039_figures_by_month"
down_revision = "0038_kept_figures"
branch_labels = None
depends_on = None

_WHAT = [
    "stage", "place_township_code", "place_village_code", "class_code", "unit_code", "confidential", "subject_type",
]  # fmt: skip


def upgrade() -> None:
    with migrate.without_blocking():
        _make("ix_duties_begun", "started_at", _WHAT, None)
        _make("ix_duties_met", "met_at", [*_WHAT, "self_settled", "used_s"], "met_at IS NOT NULL")
        # What these two find, too.
        op.drop_index("ix_duties_inherited", "duties", postgresql_concurrently=True, if_exists=True)


def _make(name: str, second: str, read: list[str], where: str | None) -> None:
    # A run that was cut off leaves an index that is not valid.
    op.drop_index(name, "duties", postgresql_concurrently=True, if_exists=True)
    op.create_index(
        name,
        "duties",
        ["place_county_code", second],
        postgresql_include=read,
        postgresql_where=text(where) if where else None,
        postgresql_concurrently=True,
    )


def downgrade() -> None:
    with migrate.without_blocking():
        _make("ix_duties_inherited", "started_at", [*_WHAT, "due_at"], "started_at > due_at")
        for name in ("ix_duties_met", "ix_duties_begun"):
            op.drop_index(name, "duties", postgresql_concurrently=True, if_exists=True)
