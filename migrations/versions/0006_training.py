"""Training"""

revision = "0006_training"
down_revision = "0005_reports"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
