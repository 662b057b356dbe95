"""Moderation: checks, WeChat's names for them, sealed originals of masked texts"""

import sqlalchemy as sa
from alembic import op

revision = "0008_moderation"
down_revision = "0007_notifications"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_STATES = "'waiting', 'asked', 'pass', 'review', 'risky', 'manual'"
_QUEUE = sa.text("state IN ('review', 'risky', 'manual') AND decided_at IS NULL")


def upgrade() -> None:
    _checks()
    op.create_table(
        "moderation_traces",
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("check_id", sa.Uuid()),
        sa.Column("suggest", sa.Text()),
        sa.Column("label", sa.Integer()),
        sa.Column("errcode", sa.Integer()),
        sa.PrimaryKeyConstraint("trace_id", name="pk_moderation_traces"),
    )
    op.create_index("ix_moderation_traces_at", "moderation_traces", ["at"])
    op.create_table(
        "report_originals",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger()),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_report_originals"),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name="fk_report_originals_report_id"),
        sa.ForeignKeyConstraint(["event_id"], ["report_events.id"], name="fk_report_originals_event_id"),
        sa.CheckConstraint("field IN ('description', 'address', 'note')", name=op.f("ck_report_originals_field")),
        sa.CheckConstraint("(field = 'note') = (event_id IS NOT NULL)", name=op.f("ck_report_originals_event")),
    )
    op.create_index("ix_report_originals_report_id", "report_originals", ["report_id"])


def downgrade() -> None:
    for table in ("report_originals", "moderation_traces", "moderation_checks"):
        op.drop_table(table)


def _checks() -> None:
    op.create_table(
        "moderation_checks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("photo_id", sa.Uuid()),
        sa.Column("author_id", sa.Uuid()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("asks", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("failures", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("asked_at", _AT),
        sa.Column("label", sa.Integer()),
        sa.Column("errcode", sa.Integer()),
        sa.Column("decided_by", sa.Uuid()),
        sa.Column("decided_at", _AT),
        sa.PrimaryKeyConstraint("id", name="pk_moderation_checks"),
        sa.ForeignKeyConstraint(["photo_id"], ["photos.id"], name="fk_moderation_checks_photo_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name="fk_moderation_checks_author_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["users.id"], name="fk_moderation_checks_decided_by", ondelete="SET NULL"
        ),
        sa.CheckConstraint("kind IN ('text', 'picture')", name=op.f("ck_moderation_checks_kind")),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_moderation_checks_state")),
        sa.CheckConstraint("(kind = 'picture') = (photo_id IS NOT NULL)", name=op.f("ck_moderation_checks_photo")),
    )
    op.create_index(
        "uq_moderation_checks_text",
        "moderation_checks",
        ["subject_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'text'"),
    )
    op.create_index("uq_moderation_checks_photo_id", "moderation_checks", ["photo_id"], unique=True)
    op.create_index("ix_moderation_checks_subject_id", "moderation_checks", ["subject_id"])
    op.create_index("ix_moderation_checks_queue", "moderation_checks", ["created_at", "id"], postgresql_where=_QUEUE)
    op.create_index(
        "ix_moderation_checks_asked_at",
        "moderation_checks",
        ["asked_at"],
        postgresql_where=sa.text("state = 'asked'"),
    )
