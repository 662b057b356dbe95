"""Rights that are asked again where they are used, and erasure that is seen to have been done"""

import sqlalchemy as sa
from alembic import op

revision = "0017_rights"
down_revision = "0016_open_kinds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("rights_version", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("users", sa.Column("cleaned_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE users SET cleaned_at = erased_at WHERE erased_at IS NOT NULL")


def downgrade() -> None:
    op.drop_column("users", "cleaned_at")
    op.drop_column("users", "rights_version")
