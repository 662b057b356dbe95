"""Reports: an index of those about village affairs, which a village that is closed looked for in all of them

Revision ID: 0047_hidden_villages
Revises: 0046_heartbeats
"""

from alembic import op
from sqlalchemy import text

from wxapi.platform import migrate

revision = "0047_hidden_villages"
down_revision = "0046_heartbeats"
branch_labels = None
depends_on = None

_NAME, _COLUMN = "ix_reports_excluded_village_code", "excluded_village_code"


def upgrade() -> None:
    with migrate.without_blocking():
        op.drop_index(_NAME, "reports", postgresql_concurrently=True, if_exists=True)
        op.create_index(
            _NAME,
            "reports",
            [_COLUMN],
            postgresql_where=text(f"{_COLUMN} IS NOT NULL"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    with migrate.without_blocking():
        op.drop_index(_NAME, "reports", postgresql_concurrently=True, if_exists=True)
