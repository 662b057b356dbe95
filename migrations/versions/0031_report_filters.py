"""Reports: the filters of the desk that people keep under a name of their own

Revision ID: 0031_report_filters
Revises: 0030_stand_ins
"""

import sqlalchemy as sa
from alembic import op

revision = "0031_report_filters"
down_revision = "0030_stand_ins"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "report_filters",
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "name"),
    )


def downgrade() -> None:
    op.drop_table("report_filters")
