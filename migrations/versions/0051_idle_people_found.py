"""People: indexes for the hourly look for who has not come for long, and for erased rows in which something stands

Revision ID: 0051_idle_people_found
Revises: 0050_due_today
"""

from alembic import op
from sqlalchemy import text

from wxapi.platform import migrate

revision = "0051_idle_people_found"
down_revision = "0050_due_today"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with migrate.without_blocking():
        _drop()
        op.create_index(
            "ix_users_idle",
            "users",
            [text("coalesce(seen_at, created_at)")],
            postgresql_where=text("erased_at IS NULL"),
            postgresql_concurrently=True,
        )
        op.create_index(
            "ix_users_erased",
            "users",
            ["erased_at"],
            postgresql_where=text("erased_at IS NOT NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    with migrate.without_blocking():
        _drop()


def _drop() -> None:
    """Also what an upgrade that was cut off has left half made."""
    for name in ("ix_users_idle", "ix_users_erased"):
        op.drop_index(name, "users", postgresql_concurrently=True, if_exists=True)
