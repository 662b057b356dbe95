"""Training: indexes for what runs every hour, in `/me/data` and when somebody is erased"""

from alembic import op
from sqlalchemy import text

from wxapi.platform import migrate

revision = "0020_training_indexes"
down_revision = "0019_training_words"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_training_attendance_enrolled", "training_attendance", ["session_id"], "state = 'enrolled'"),
    ("ix_training_attendance_events_user_id", "training_attendance_events", ["user_id"], None),
    ("ix_training_refusals_at", "training_refusals", ["at"], None),
    ("ix_training_refusals_user_id", "training_refusals", ["user_id"], None),
    ("ix_training_flags_user_id", "training_flags", ["user_id"], "user_id IS NOT NULL"),
    ("ix_training_leave_requests_session_id", "training_leave_requests", ["session_id", "created_at", "id"], None),
    ("ix_training_leave_requests_user_id", "training_leave_requests", ["user_id"], None),
    ("ix_training_certificates_user_id", "training_certificates", ["user_id"], None),
)


def upgrade() -> None:
    with migrate.without_blocking():
        for name, table, columns, where in _INDEXES:
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
            op.create_index(
                name,
                table,
                columns,
                postgresql_where=None if where is None else text(where),
                postgresql_concurrently=True,
                if_not_exists=True,
            )


def downgrade() -> None:
    with migrate.without_blocking():
        for name, table, _, _ in reversed(_INDEXES):
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
