"""Retention: when a person was last seen"""

import sqlalchemy as sa
from alembic import op

revision = "0010_retention"
down_revision = "0009_scenes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("seen_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("users", "seen_at")
