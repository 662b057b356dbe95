"""Lines of history: room for what statistics ask of a step that is counted

Revision ID: 0033_counted_columns
Revises: 0032_audit_addresses
"""

import sqlalchemy as sa
from alembic import op

revision = "0033_counted_columns"
down_revision = "0032_audit_addresses"
branch_labels = None
depends_on = None

_COLUMNS = ("county_code", "township_code", "village_code", "category_code", "held_by")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("report_events", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("report_events", sa.Column("rating", sa.SmallInteger(), nullable=True))


def downgrade() -> None:
    for name in ("rating", *reversed(_COLUMNS)):
        op.drop_column("report_events", name)
