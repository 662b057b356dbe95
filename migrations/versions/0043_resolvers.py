"""Reports: everybody who ever resolved one, not only the last; filled from the history where it was disputed

Revision ID: 0043_resolvers
Revises: 0042_list_of_units
"""

from alembic import op
from sqlalchemy import text

revision = "0043_resolvers"
down_revision = "0042_list_of_units"
branch_labels = None
depends_on = None


_BATCH = 5000
_FIRST = "00000000-0000-0000-0000-000000000000"
# Where nothing was disputed the last resolver is the only one, and `resolved_by` says who.
_FILL = text(f"""
WITH batch AS (
  SELECT id, disputes FROM reports WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT {_BATCH}
), done AS (
  SELECT e.report_id, array_agg(DISTINCT e.actor_id) AS people FROM report_events e JOIN batch ON batch.id = e.report_id
  WHERE batch.disputes > 0 AND e.action = 'resolve' AND e.actor_id IS NOT NULL GROUP BY 1
), filled AS (
  UPDATE reports SET resolvers = done.people FROM done WHERE reports.id = done.report_id
)
SELECT CAST(max(CAST(id AS text)) AS uuid) FROM batch
""")


def upgrade() -> None:
    # By itself: with the column's lock held while rows are filled, nobody could read a report meanwhile.
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE reports ADD COLUMN IF NOT EXISTS resolvers uuid[] NOT NULL DEFAULT '{}'")
        last = _FIRST
        while last is not None:
            last = op.get_bind().scalar(_FILL, {"after": last})


def downgrade() -> None:
    op.drop_column("reports", "resolvers")
