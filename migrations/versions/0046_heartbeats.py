"""Platform: signs of life of the scheduler, so that its end is seen on a quiet night too

Revision ID: 0046_heartbeats
Revises: 0045_desk_indexes
"""

import sqlalchemy as sa
from alembic import op

revision = "0046_heartbeats"
down_revision = "0045_desk_indexes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_heartbeats"),
    )
    # The scheduler of the release before writes none: its silence counts from the upgrade. A new database has had none.
    op.execute("INSERT INTO heartbeats (name, at) SELECT 'schedule', now() WHERE EXISTS (SELECT FROM users)")


def downgrade() -> None:
    op.drop_table("heartbeats")
