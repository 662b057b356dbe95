"""Make-ups: the history keeps which session a decision took a make-up from"""

import sqlalchemy as sa
from alembic import op

revision = "0011_make_up"
down_revision = "0010_retention"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("training_attendance_events", sa.Column("from_made_up_in", sa.Uuid()))
    op.create_foreign_key(
        op.f("fk_training_attendance_events_from_made_up_in"),
        "training_attendance_events",
        "training_sessions",
        ["from_made_up_in"],
        ["id"],
    )
    # Left over from corrections that changed the state alone.
    op.execute("UPDATE training_attendance SET made_up_in = NULL WHERE state <> 'made_up'")
    op.create_index(
        "ix_training_attendance_made_up_in",
        "training_attendance",
        ["made_up_in", "user_id"],
        postgresql_where=sa.text("made_up_in IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_training_attendance_made_up_in", "training_attendance")
    op.drop_column("training_attendance_events", "from_made_up_in")
