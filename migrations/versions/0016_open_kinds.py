"""Let features bring kinds of messages and of codes: no CHECK that each new one would have to widen

Dropping a check reads no row; its lock is held for a moment only.

Revision ID: 0016_open_kinds
Revises: 0015_audit_digests
"""

from alembic import op

revision = "0016_open_kinds"
down_revision = "0015_audit_digests"
branch_labels = None
depends_on = None

_MESSAGES = (
    "'report_progress', 'report_confirm', 'desk_task', 'report_card', 'training_reminder', 'training_seat',"
    " 'training_news', 'certificate_ready', 'web_login'"
)
_CHECKS = (
    ("ck_messages_kind", "messages", _MESSAGES),
    ("ck_message_templates_kind", "message_templates", _MESSAGES),
    ("ck_scenes_kind", "scenes", "'region', 'training_session'"),
)


def upgrade() -> None:
    for name, table, _ in _CHECKS:
        op.drop_constraint(op.f(name), table)


def downgrade() -> None:
    """What the kinds of a later release left is not deleted: it stands, and only new rows are checked."""
    for name, table, codes in _CHECKS:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (kind IN ({codes})) NOT VALID")
