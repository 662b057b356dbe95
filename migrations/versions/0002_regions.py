"""Regions: the tree and its boundaries"""

revision = "0002_regions"
down_revision = "0001_platform"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
