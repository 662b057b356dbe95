"""Notifications: the inbox, the ledger of grants, templates, pushed events"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007_notifications"
down_revision = "0006_training"
branch_labels = None
depends_on = None

_KINDS = (
    "'report_progress', 'report_confirm', 'desk_task', 'report_card', "
    "'training_reminder', 'training_seat', 'training_news', 'certificate_ready'"
)
_DELIVERIES = "'pending', 'sending', 'sent', 'unsure', 'inbox', 'failed'"


def upgrade() -> None:
    _messages()
    op.create_table(
        "message_templates",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("fields", JSONB(), nullable=False),
        sa.Column("page", sa.Text()),
        sa.Column("long_term", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name="pk_message_templates"),
        sa.UniqueConstraint("template_id", name="uq_message_templates_template_id"),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name=op.f("ck_message_templates_kind")),
    )
    _grants()
    op.create_table(
        "push_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("repeat_digest", sa.LargeBinary(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary()),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_push_events"),
        sa.UniqueConstraint("repeat_digest", name="uq_push_events_repeat_digest"),
    )
    op.create_index("ix_push_events_received_at", "push_events", ["received_at"])


def downgrade() -> None:
    for table in ("push_events", "message_grants", "message_templates", "messages"):
        op.drop_table(table)


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("values", JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visible_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("unsure", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True)),
        sa.Column("errcode", sa.Integer()),
        sa.Column("wechat_id", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_messages_user_id", ondelete="CASCADE"),
        sa.UniqueConstraint("user_id", "subject", "step", name="uq_messages_user_id_subject_step"),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name=op.f("ck_messages_kind")),
        sa.CheckConstraint(f"delivery IN ({_DELIVERIES})", name=op.f("ck_messages_delivery")),
    )
    op.create_index("ix_messages_inbox", "messages", ["user_id", "visible_at", "id"])
    op.create_index("ix_messages_created_at", "messages", ["created_at"])
    op.create_index(
        "ix_messages_wechat_id", "messages", ["wechat_id"], postgresql_where=sa.text("wechat_id IS NOT NULL")
    )
    op.create_index("ix_messages_sending", "messages", ["user_id"], postgresql_where=sa.text("delivery = 'sending'"))


def _grants() -> None:
    op.create_table(
        "message_grants",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Uuid()),
        sa.Column("voided_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_message_grants"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_message_grants_user_id", ondelete="CASCADE"),
        sa.UniqueConstraint("source", name="uq_message_grants_source"),
    )
    op.create_index("ix_message_grants_person", "message_grants", ["user_id", "template_id", "answered_at"])
    op.create_index(
        "ix_message_grants_message_id",
        "message_grants",
        ["message_id"],
        postgresql_where=sa.text("message_id IS NOT NULL"),
    )
