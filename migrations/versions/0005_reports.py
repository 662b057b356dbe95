"""Reports, their history, photos and joiners"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005_reports"
down_revision = "0004_photos"
branch_labels = None
depends_on = None

_STATES = (
    "'submitted', 'triage', 'routed', 'accepted', 'on_hold', 'resolved', 'closed', 'refused', 'withdrawn', 'merged'"
)
_OPEN = sa.text("state IN ('submitted', 'triage', 'routed', 'accepted', 'on_hold', 'resolved')")
_DUE = sa.literal_column("coalesce(due_at, 'infinity'::timestamptz)")


def _at(name, *, nullable=True):
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name, *, nullable=True):
    return sa.Column(name, sa.Text(), nullable=nullable)


def _flag(name):
    return sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False)


def _region(name, *, nullable=True):
    return sa.Column(name, sa.String(15), nullable=nullable)


def _key(table, column, target, **options):
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}", **options)


def upgrade() -> None:
    op.create_table("reports", *_report_columns(), *_report_constraints())
    _report_indexes()
    op.create_table(
        "report_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        _at("at", nullable=False),
        _text("action", nullable=False),
        _text("from_state"),
        _text("to_state", nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        _text("role", nullable=False),
        _text("unit_code"),
        _text("note"),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_report_events"),
        _key("report_events", "actor_id", "users.id", ondelete="SET NULL"),
        _key("report_events", "report_id", "reports.id"),
    )
    op.create_index("ix_report_events_report_id", "report_events", ["report_id", "id"])
    op.create_index(
        "ix_report_events_actor_id", "report_events", ["actor_id"], postgresql_where=sa.text("actor_id IS NOT NULL")
    )
    op.create_table(
        "report_joins",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        _at("joined_at", nullable=False),
        sa.Column("via_report_id", sa.Uuid()),
        sa.PrimaryKeyConstraint("report_id", "user_id", name="pk_report_joins"),
        _key("report_joins", "report_id", "reports.id"),
        _key("report_joins", "user_id", "users.id", ondelete="CASCADE"),
        _key("report_joins", "via_report_id", "reports.id"),
    )
    op.create_index("ix_report_joins_user_id", "report_joins", ["user_id", "joined_at"])
    op.create_table(
        "report_photos",
        sa.Column("photo_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        _text("purpose", nullable=False),
        sa.Column("event_id", sa.BigInteger()),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("photo_id", name="pk_report_photos"),
        sa.CheckConstraint("purpose IN ('report', 'after', 'event')", name=op.f("ck_report_photos_purpose")),
        _key("report_photos", "event_id", "report_events.id"),
        _key("report_photos", "photo_id", "photos.id"),
        _key("report_photos", "report_id", "reports.id"),
    )
    op.create_index("ix_report_photos_report_id", "report_photos", ["report_id", "position"])


def downgrade() -> None:
    for table in ("report_photos", "report_joins", "report_events", "reports"):
        op.drop_table(table)


def _report_columns():
    return (
        sa.Column("id", sa.Uuid(), nullable=False),
        _text("number", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("category_code", nullable=False),
        _text("description", nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("accuracy", sa.Float()),
        _text("picked_by"),
        _text("address"),
        _text("county_code", nullable=False),
        _text("township_code", nullable=False),
        _region("village_code", nullable=False),
        _region("grid_code"),
        sa.Column("candidates", postgresql.JSONB(), nullable=False),
        _text("excluded_village_code"),
        sa.Column("copy_codes", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("reporter_id", sa.Uuid()),
        sa.Column("reporter_label", sa.SmallInteger(), nullable=False),
        sa.Column("me_too_count", sa.Integer(), server_default="0", nullable=False),
        _at("created_at", nullable=False),
        _at("updated_at", nullable=False),
        _text("state", nullable=False),
        _region("desk_code"),
        *(_text(f"desk_{level}_code") for level in ("county", "township", "village")),
        *(_at(f"{name}_at") for name in ("routed", "respond_due", "resolve_due", "due", "remind", "clock_stopped")),
        _flag("respond_reminded"),
        _flag("resolve_reminded"),
        _text("card"),
        _flag("respond_yellow"),
        _flag("resolve_yellow"),
        sa.Column("returns", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("disputes", sa.SmallInteger(), server_default="0", nullable=False),
        *(_flag(name) for name in ("reopened", "appealed", "question_open", "hold_pending")),
        _text("hold_reason_code"),
        sa.Column("hold_review_on", sa.Date()),
        sa.Column("hold_by", sa.Uuid()),
        _text("extension"),
        sa.Column("extension_days", sa.SmallInteger()),
        sa.Column("extension_by", sa.Uuid()),
        sa.Column("resolved_by", sa.Uuid()),
        _at("resolved_at"),
        _at("closed_at"),
        sa.Column("rating", sa.SmallInteger()),
        _flag("township_confirms"),
        sa.Column("merged_into_id", sa.Uuid()),
        _text("merged_from_state"),
    )


def _report_constraints():
    checks = {
        "state": f"state IN ({_STATES})",
        "card": "card IN ('yellow', 'red')",
        "desk": "desk_code IS NOT NULL OR state IN ('submitted', 'withdrawn')",
        "exclusion": "NOT starts_with(desk_code, excluded_village_code)",
        "merged": "(state = 'merged') = (merged_into_id IS NOT NULL)",
    }
    return (
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_reports_{name}")) for name, rule in checks.items()),
        *(_key("reports", f"{part}_code", "regions.code") for part in ("village", "grid", "desk")),
        _key("reports", "merged_into_id", "reports.id"),
        _key("reports", "reporter_id", "users.id", ondelete="SET NULL"),
    )


def _report_indexes() -> None:
    op.create_index("uq_reports_number", "reports", ["number"], unique=True)
    op.create_index("ix_reports_reporter_id", "reports", ["reporter_id", "created_at", "id"])
    op.create_index("ix_reports_created_at", "reports", ["created_at", "id"])
    op.create_index("ix_reports_due", "reports", [_DUE, "id"], postgresql_where=_OPEN)
    for level in ("county", "township", "village"):
        desk = f"desk_{level}_code"
        op.create_index(f"ix_reports_desk_{level}_created", "reports", [desk, "created_at", "id"])
        op.create_index(f"ix_reports_desk_{level}_due", "reports", [desk, _DUE, "id"], postgresql_where=_OPEN)
    op.create_index("ix_reports_place", "reports", ["latitude", "longitude"], postgresql_where=_OPEN)
    for column, rule in {
        "due_at": "due_at IS NOT NULL",
        "remind_at": "remind_at IS NOT NULL",
        "resolved_at": "state = 'resolved'",
        "hold_review_on": "state = 'on_hold'",
        "merged_into_id": "merged_into_id IS NOT NULL",
    }.items():
        op.create_index(f"ix_reports_{column}", "reports", [column], postgresql_where=sa.text(rule))
