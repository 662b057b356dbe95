"""Photos and checks: indexes for what an appeal shows, for photos that still wait, and for a person's own checks

Revision ID: 0048_photos_and_checks_found
Revises: 0047_hidden_villages
"""

from alembic import op
from sqlalchemy import text

from wxapi.platform import migrate

revision = "0048_photos_and_checks_found"
down_revision = "0047_hidden_villages"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_photos_pending", "photos", "created_at", "state = 'pending'"),
    ("ix_photos_used_by_id", "photos", "used_by_id", "used_by_kind <> 'report'"),
    ("ix_moderation_checks_author_id", "moderation_checks", "author_id", "author_id IS NOT NULL"),
)


def upgrade() -> None:
    with migrate.without_blocking():
        for name, table, column, only in _INDEXES:
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
            op.create_index(
                name, table, [column], postgresql_where=text(only), postgresql_concurrently=True, if_not_exists=True
            )


def downgrade() -> None:
    with migrate.without_blocking():
        for name, table, _, _ in reversed(_INDEXES):
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
