"""Training: sessions, seats, the roll, refusals, flags, leave, hours, certificates"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006_training"
down_revision = "0005_reports"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "training_series",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("region_code", sa.String(length=15), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seq", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_training_series_created_by")),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_training_series_region_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_series")),
    )
    op.create_table(
        "training_series_enrolments",
        sa.Column("series_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["series_id"], ["training_series.id"], name=op.f("fk_training_series_enrolments_series_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_training_series_enrolments_user_id")),
        sa.PrimaryKeyConstraint("series_id", "user_id", name=op.f("pk_training_series_enrolments")),
    )
    op.create_table(
        "training_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("series_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("region_code", sa.String(length=15), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("radius_m", sa.Integer(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("credit_hours", sa.Numeric(precision=5, scale=1), nullable=True),
        sa.Column("audience_region_codes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("audience_roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("audience_user_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("sign_in_opens_min", sa.Integer(), nullable=False),
        sa.Column("late_after_min", sa.Integer(), nullable=False),
        sa.Column("sign_out", sa.Boolean(), nullable=False),
        sa.Column("offline_hours", sa.Integer(), nullable=False),
        sa.Column("parallel", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("seats_taken", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('lecture', 'bench_class', 'mobile_class', 'rotation')", name=op.f("ck_training_sessions_kind")
        ),
        sa.CheckConstraint("state IN ('draft', 'published', 'cancelled')", name=op.f("ck_training_sessions_state")),
        sa.CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name=op.f("ck_training_sessions_position")),
        sa.CheckConstraint("capacity IS NULL OR seats_taken <= capacity", name=op.f("ck_training_sessions_seats")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_training_sessions_times")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_training_sessions_created_by")),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name=op.f("fk_training_sessions_region_code")),
        sa.ForeignKeyConstraint(["series_id"], ["training_series.id"], name=op.f("fk_training_sessions_series_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_sessions")),
    )
    op.create_index("ix_training_sessions_created_by", "training_sessions", ["created_by", "starts_at"], unique=False)
    op.create_index(
        "ix_training_sessions_published",
        "training_sessions",
        ["ends_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_index(
        "ix_training_sessions_region_code",
        "training_sessions",
        ["region_code"],
        unique=False,
        postgresql_ops={"region_code": "text_pattern_ops"},
    )
    op.create_index(
        "ix_training_sessions_series_id",
        "training_sessions",
        ["series_id"],
        unique=False,
        postgresql_where=sa.text("series_id IS NOT NULL"),
    )
    op.create_table(
        "training_attendance",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("walk_in", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("step", sa.BigInteger(), nullable=True),
        sa.Column("via", sa.Text(), nullable=True),
        sa.Column("late_upload", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("distance_m", sa.Integer(), nullable=True),
        sa.Column("accuracy_m", sa.Integer(), nullable=True),
        sa.Column("device_digest", sa.LargeBinary(), nullable=True),
        sa.Column("flags", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("state_before", sa.Text(), nullable=True),
        sa.Column("signed_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_up_in", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('enrolled', 'present', 'late', 'left_early', 'needs_review', 'on_leave', 'absent', 'exempt', 'made_up')",
            name=op.f("ck_training_attendance_state"),
        ),
        sa.CheckConstraint("via IN ('scan', 'typed', 'ticket', 'steward')", name=op.f("ck_training_attendance_via")),
        sa.ForeignKeyConstraint(
            ["made_up_in"], ["training_sessions.id"], name=op.f("fk_training_attendance_made_up_in")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["training_sessions.id"], name=op.f("fk_training_attendance_session_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_training_attendance_user_id")),
        sa.PrimaryKeyConstraint("session_id", "user_id", name=op.f("pk_training_attendance")),
    )
    op.create_index(
        "ix_training_attendance_device",
        "training_attendance",
        ["session_id", "device_digest"],
        unique=False,
        postgresql_where=sa.text("device_digest IS NOT NULL"),
    )
    op.create_index("ix_training_attendance_user_id", "training_attendance", ["user_id", "signed_in_at"], unique=False)
    op.create_table(
        "training_attendance_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "action IN ('enrol', 'sign_in', 'sign_out', 'manual', 'bulk', 'undo', 'leave', 'close', 'flag')",
            name=op.f("ck_training_attendance_events_action"),
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_training_attendance_events_actor_id")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["training_sessions.id"], name=op.f("fk_training_attendance_events_session_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_training_attendance_events_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_attendance_events")),
    )
    op.create_index(
        "ix_training_attendance_events_row", "training_attendance_events", ["session_id", "user_id", "id"], unique=False
    )
    op.create_table(
        "training_certificates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("check_code", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("year", sa.SmallInteger(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(session_id IS NULL) <> (year IS NULL)", name=op.f("ck_training_certificates_of_what")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["training_sessions.id"], name=op.f("fk_training_certificates_session_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_training_certificates_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_certificates")),
    )
    op.create_index("uq_training_certificates_check_code", "training_certificates", ["check_code"], unique=True)
    op.create_index(
        "uq_training_certificates_session",
        "training_certificates",
        ["user_id", "session_id"],
        unique=True,
        postgresql_where=sa.text("session_id IS NOT NULL"),
    )
    op.create_index(
        "uq_training_certificates_year",
        "training_certificates",
        ["user_id", "year"],
        unique=True,
        postgresql_where=sa.text("year IS NOT NULL"),
    )
    op.create_table(
        "training_enrolments",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('enrolled', 'waiting', 'withdrawn')", name=op.f("ck_training_enrolments_state")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["training_sessions.id"], name=op.f("fk_training_enrolments_session_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_training_enrolments_user_id")),
        sa.PrimaryKeyConstraint("session_id", "user_id", name=op.f("pk_training_enrolments")),
    )
    op.create_index(
        "ix_training_enrolments_queue",
        "training_enrolments",
        ["session_id", "seq"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_training_enrolments_user_id", "training_enrolments", ["user_id"], unique=False)
    op.create_table(
        "training_flags",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "reason IN ('outside_radius', 'inaccurate_location', 'no_location', 'impossible_distance', 'same_device', 'two_halls', 'crowded_step', 'burst')",
            name=op.f("ck_training_flags_reason"),
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_training_flags_decided_by")),
        sa.ForeignKeyConstraint(["session_id"], ["training_sessions.id"], name=op.f("fk_training_flags_session_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_training_flags_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_flags")),
        sa.UniqueConstraint(
            "session_id", "reason", "subject", name=op.f("uq_training_flags_session_id_reason_subject")
        ),
    )
    op.create_index("ix_training_flags_open", "training_flags", ["session_id", "created_at", "id"], unique=False)
    op.create_table(
        "training_hours",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("hours", sa.Numeric(precision=6, scale=1), nullable=False),
        sa.Column("rule_version", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["training_sessions.id"], name=op.f("fk_training_hours_session_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_training_hours_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_hours")),
    )
    op.create_index("ix_training_hours_session_id", "training_hours", ["session_id"], unique=False)
    op.create_index("ix_training_hours_user_id", "training_hours", ["user_id", "year"], unique=False)
    op.create_table(
        "training_leave_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_training_leave_requests_decided_by")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["training_sessions.id"], name=op.f("fk_training_leave_requests_session_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_training_leave_requests_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_leave_requests")),
    )
    op.create_index(
        "uq_training_leave_requests_pending",
        "training_leave_requests",
        ["session_id", "user_id"],
        unique=True,
        postgresql_where=sa.text("decision IS NULL"),
    )
    op.create_table(
        "training_refusals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("tried", sa.Text(), nullable=False),
        sa.Column("typed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["training_sessions.id"], name=op.f("fk_training_refusals_session_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_training_refusals_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_refusals")),
    )
    op.create_index("ix_training_refusals_person", "training_refusals", ["session_id", "user_id", "at"], unique=False)


def downgrade() -> None:
    op.drop_table("training_refusals")
    op.drop_table("training_leave_requests")
    op.drop_table("training_hours")
    op.drop_table("training_flags")
    op.drop_table("training_enrolments")
    op.drop_table("training_certificates")
    op.drop_table("training_attendance_events")
    op.drop_table("training_attendance")
    op.drop_table("training_sessions")
    op.drop_table("training_series_enrolments")
    op.drop_table("training_series")
