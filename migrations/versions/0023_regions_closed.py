"""Regions that were closed, and who goes on for them"""

import sqlalchemy as sa
from alembic import op

revision = "0023_regions_closed"
down_revision = "0022_event_desks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("regions", sa.Column("closed_on", sa.Date()))
    op.add_column("regions", sa.Column("successor_code", sa.String(15)))
    op.execute(
        "ALTER TABLE regions ADD CONSTRAINT fk_regions_successor_code"
        " FOREIGN KEY (successor_code) REFERENCES regions (code) NOT VALID"
    )
    op.execute(
        "ALTER TABLE regions ADD CONSTRAINT ck_regions_successor"
        " CHECK (successor_code IS NULL OR (closed_on IS NOT NULL AND successor_code <> code)) NOT VALID"
    )
    op.execute("ALTER TABLE regions VALIDATE CONSTRAINT fk_regions_successor_code")
    op.execute("ALTER TABLE regions VALIDATE CONSTRAINT ck_regions_successor")
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_reports_village_code", "reports", ["village_code"], postgresql_concurrently=True, if_not_exists=True
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_reports_village_code", "reports", postgresql_concurrently=True, if_exists=True)
    op.drop_constraint("ck_regions_successor", "regions")
    op.drop_constraint("fk_regions_successor_code", "regions")
    op.drop_column("regions", "successor_code")
    op.drop_column("regions", "closed_on")
