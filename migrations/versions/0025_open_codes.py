"""People, photos, messages and checks: no lists of codes in CHECKs, which each new code would have to validate again

Revision ID: 0025_open_codes
Revises: 0024_report_columns
"""

from alembic import op

revision = "0025_open_codes"
down_revision = "0024_report_columns"
branch_labels = None
depends_on = None

_LISTS = {
    ("users", "kind"): ("courier", "rider", "party_member", "volunteer", "grid_worker", "resident"),
    ("web_logins", "state"): ("waiting", "granted", "ended"),
    ("photos", "state"): ("pending", "ready", "rejected"),
    ("photos", "rejection"): (
        "empty_file",
        "unsupported_format",
        "truncated",
        "too_many_pixels",
        "too_small",
        "too_narrow",
        "too_many_frames",
        "too_many_scans",
        "corrupt",
    ),
    ("messages", "delivery"): ("pending", "sending", "sent", "unsure", "inbox", "failed"),
    ("moderation_checks", "kind"): ("text", "picture"),
    ("moderation_checks", "state"): ("waiting", "asked", "pass", "review", "risky", "manual"),
}


def upgrade() -> None:
    for table, column in _LISTS:
        op.drop_constraint(op.f(f"ck_{table}_{column}"), table)


def downgrade() -> None:
    for (table, column), codes in _LISTS.items():
        listed = ", ".join(f"'{code}'" for code in codes)
        # Not validated: rows with a newer code stay as they are.
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{column} CHECK ({column} IN ({listed})) NOT VALID")
