"""Duties: all that the panorama says of what is open stands in its index

Revision ID: 0041_open_figures
Revises: 0040_extended_limits
"""

from alembic import op
from sqlalchemy import text

from wxapi.platform import migrate

revision = "0041_open_figures"
down_revision = "0040_extended_limits"
branch_labels = None
depends_on = None

_NAME, _NEXT = "ix_duties_open_place", "ix_duties_open_place_next"
_READ = [
    "place_township_code", "place_village_code", "confidential", "subject_type", "rung", "card", "card_lifted_at",
]  # fmt: skip


def upgrade() -> None:
    _replace(_READ)


def downgrade() -> None:
    _replace(None)


def _replace(read: list[str] | None) -> None:
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
