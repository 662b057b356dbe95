"""Reports"""

revision = "0005_reports"
down_revision = "0004_photos"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
