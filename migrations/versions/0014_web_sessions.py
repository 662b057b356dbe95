"""Browsers: their login attempts and sessions, and the message that one was signed in"""

import sqlalchemy as sa
from alembic import op

revision = "0014_web_sessions"
down_revision = "0013_duties"
branch_labels = None
depends_on = None


_KINDS = (
    "'report_progress', 'report_confirm', 'desk_task', 'report_card', 'training_reminder', 'training_seat',"
    " 'training_news', 'certificate_ready'"
)


def _allow(kinds: str) -> None:
    for table in ("messages", "message_templates"):
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_kind")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_kind CHECK (kind IN ({kinds})) NOT VALID")
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_kind")


def upgrade() -> None:
    _allow(f"{_KINDS}, 'web_login'")
    op.create_table(
        "web_sessions",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_web_sessions"),
        sa.UniqueConstraint("id", name="uq_web_sessions_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_web_sessions_user_id", ondelete="CASCADE"),
    )
    op.create_index("ix_web_sessions_user_id", "web_sessions", ["user_id"])
    op.create_index("ix_web_sessions_last_used_at", "web_sessions", ["last_used_at"])
    op.create_table(
        "web_logins",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("browser_digest", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("numbers", sa.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("next_path", sa.Text(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_web_logins"),
        sa.UniqueConstraint("browser_digest", name="uq_web_logins_browser_digest"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_web_logins_user_id", ondelete="CASCADE"),
        sa.CheckConstraint("state IN ('waiting', 'granted', 'ended')", name=op.f("ck_web_logins_state")),
    )
    op.create_index("ix_web_logins_created_at", "web_logins", ["created_at"])


def downgrade() -> None:
    op.drop_table("web_logins")
    op.drop_table("web_sessions")
    op.execute("DELETE FROM messages WHERE kind = 'web_login'")
    op.execute("DELETE FROM message_templates WHERE kind = 'web_login'")
    _allow(_KINDS)
