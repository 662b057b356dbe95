"""Audit: each row carries a keyed digest from the moment it is written"""

import sqlalchemy as sa
from alembic import op

revision = "0015_audit_digests"
down_revision = "0014_web_sessions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit", sa.Column("digest", sa.LargeBinary()))


def downgrade() -> None:
    op.drop_column("audit", "digest")
