"""Keep with each step of a report whose turn it was after it: a notice names that desk, not the one of now

Revision ID: 0022_event_desks
Revises: 0021_people_roster
"""

import sqlalchemy as sa
from alembic import op

revision = "0022_event_desks"
down_revision = "0021_people_roster"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("report_events", sa.Column("desk_code", sa.Text()))


def downgrade() -> None:
    op.drop_column("report_events", "desk_code")
