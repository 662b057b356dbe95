"""Reports: by how much of its own clock an extension moved the due time

Revision ID: 0040_extended_limits
Revises: 0039_figures_by_month
"""

import sqlalchemy as sa
from alembic import op

revision = "0040_extended_limits"
down_revision = "0039_figures_by_month"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reports", sa.Column("extended_s", sa.Integer()))


def downgrade() -> None:
    op.drop_column("reports", "extended_s")
