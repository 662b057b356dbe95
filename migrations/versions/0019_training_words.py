"""Training: certificates keep the name as issued, decisions know of the sign-in, a new state changes no table"""

import sqlalchemy as sa
from alembic import op

revision = "0019_training_words"
down_revision = "0018_supervision"
branch_labels = None
depends_on = None

# Enumerations of the code. As lists in the tables each new value meant to validate a table of millions again.
_LISTS = {
    ("training_sessions", "kind"): ("lecture", "bench_class", "mobile_class", "rotation"),
    ("training_sessions", "state"): ("draft", "published", "cancelled"),
    ("training_enrolments", "state"): ("enrolled", "waiting", "withdrawn"),
    ("training_attendance", "state"): (
        "enrolled",
        "present",
        "late",
        "left_early",
        "needs_review",
        "on_leave",
        "absent",
        "exempt",
        "made_up",
    ),
    ("training_attendance", "via"): ("scan", "typed", "ticket", "steward"),
    ("training_attendance_events", "action"): (
        "enrol",
        "sign_in",
        "sign_out",
        "manual",
        "bulk",
        "undo",
        "leave",
        "close",
        "flag",
    ),
    ("training_flags", "reason"): (
        "outside_radius",
        "inaccurate_location",
        "no_location",
        "impossible_distance",
        "same_device",
        "two_halls",
        "crowded_step",
        "burst",
    ),
}


def upgrade() -> None:
    for table, column in _LISTS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{column}")
    op.add_column("training_attendance_events", sa.Column("after_sign_in", sa.Boolean()))
    op.add_column("training_certificates", sa.Column("holder_name", sa.Text()))


def downgrade() -> None:
    op.drop_column("training_certificates", "holder_name")
    op.drop_column("training_attendance_events", "after_sign_in")
    for (table, column), values in _LISTS.items():
        listed = ", ".join(f"'{value}'" for value in values)
        # Not validated: rows with a newer value stay as they are.
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{column} CHECK ({column} IN ({listed})) NOT VALID")
