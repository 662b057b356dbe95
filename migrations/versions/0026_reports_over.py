"""Mark the reports that are over as not open, some thousand at a time; nobody waits for it

Revision ID: 0026_reports_over
Revises: 0025_open_codes
"""

from alembic import op
from sqlalchemy import text

revision = "0026_reports_over"
down_revision = "0025_open_codes"
branch_labels = None
depends_on = None

_BATCH = 5000
_FIRST = "00000000-0000-0000-0000-000000000000"
# Each batch goes on behind the last id of the one before; a report that changes meanwhile is right already.
_MARK = text(f"""
WITH batch AS (
  SELECT id FROM reports WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT {_BATCH}
), marked AS (
  UPDATE reports SET is_open = false FROM batch
  WHERE reports.id = batch.id AND is_open AND state IN ('closed', 'refused', 'withdrawn', 'merged')
)
SELECT CAST(max(CAST(id AS text)) AS uuid) FROM batch
""")


def upgrade() -> None:
    with op.get_context().autocommit_block():
        last = _FIRST
        while last is not None:
            last = op.get_bind().scalar(_MARK, {"after": last})
        op.execute("ALTER TABLE reports VALIDATE CONSTRAINT ck_reports_routed")


def downgrade() -> None:
    """What is marked does no harm."""
