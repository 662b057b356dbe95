"""Notifications"""

revision = "0007_notifications"
down_revision = "0006_training"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
