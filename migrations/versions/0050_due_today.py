"""Duties: whether the clock stands is read from the panorama's index: what stands is due on no day

Revision ID: 0050_due_today
Revises: 0049_lifted_cards
"""

from alembic import op
from sqlalchemy import text

from wxapi.platform import migrate

revision = "0050_due_today"
down_revision = "0049_lifted_cards"
branch_labels = None
depends_on = None

_NAME, _NEXT = "ix_duties_open_place", "ix_duties_open_place_next"
_READ = [
    "place_township_code", "place_village_code", "confidential", "subject_type", "rung", "card", "card_lifted_at",
]  # fmt: skip


def upgrade() -> None:
    _replace([*_READ, "stopped_at"])


def downgrade() -> None:
    _replace(_READ)


def _replace(read: list[str]) -> None:
    """The one there serves until the new one is whole."""
    with migrate.without_blocking():
        op.drop_index(_NEXT, "duties", postgresql_concurrently=True, if_exists=True)
        op.create_index(
            _NEXT,
            "duties",
            ["place_county_code", "due_at"],
            postgresql_include=read,
            postgresql_where=text("met_at IS NULL AND dropped_at IS NULL"),
            postgresql_concurrently=True,
        )
        op.drop_index(_NAME, "duties", postgresql_concurrently=True, if_exists=True)
        op.execute(f"ALTER INDEX {_NEXT} RENAME TO {_NAME}")
