"""Reports: everybody who ever resolved one, not only the last; filled from the history where it was disputed

Revision ID: 0043_resolvers
Revises: 0042_list_of_units
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043_resolvers"
down_revision = "0042_list_of_units"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("resolvers", postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False)
    op.add_column("reports", column)
    # Where nothing was disputed the last resolver is the only one, and `resolved_by` says who. The others are few.
    op.execute(
        "UPDATE reports SET resolvers = done.people FROM (SELECT e.report_id, array_agg(DISTINCT e.actor_id) AS people"
        " FROM report_events e JOIN reports r ON r.id = e.report_id WHERE r.disputes > 0"
        " AND e.action = 'resolve' AND e.actor_id IS NOT NULL GROUP BY 1) AS done WHERE reports.id = done.report_id"
    )


def downgrade() -> None:
    op.drop_column("reports", "resolvers")
