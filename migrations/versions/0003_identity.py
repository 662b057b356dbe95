"""Identity: people, tokens, appointments"""

import sqlalchemy as sa
from alembic import op

revision = "0003_identity"
down_revision = "0002_regions"
branch_labels = None
depends_on = None

_KINDS = "'courier', 'rider', 'party_member', 'volunteer', 'grid_worker', 'resident'"
_ROLES = (
    "'community_worker', 'township_officer', 'street_chief', 'supervisor', "
    "'training_organiser', 'training_steward', 'admin'"
)


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("openid_digest", sa.LargeBinary()),
        sa.Column("openid_sealed", sa.LargeBinary()),
        sa.Column("phone_digest", sa.LargeBinary()),
        sa.Column("phone_sealed", sa.LargeBinary()),
        sa.Column("nickname", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text()),
        sa.Column("consent_version", sa.Text()),
        sa.Column("consent_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name=op.f("ck_users_kind")),
    )
    op.create_index("uq_users_openid_digest", "users", ["openid_digest"], unique=True)
    op.create_index(
        "ix_users_phone_digest",
        "users",
        ["phone_digest"],
        postgresql_where=sa.text("phone_digest IS NOT NULL"),
    )
    op.create_table(
        "tokens",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_tokens"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_tokens_user_id", ondelete="CASCADE"),
    )
    op.create_index("ix_tokens_user_id", "tokens", ["user_id"])
    op.create_index("ix_tokens_last_used_at", "tokens", ["last_used_at"])
    op.create_table(
        "appointments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("region_code", sa.String(15), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date()),
        sa.Column("appointed_by", sa.Uuid()),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_appointments"),
        sa.CheckConstraint(f"role IN ({_ROLES})", name=op.f("ck_appointments_role")),
        sa.CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name=op.f("ck_appointments_dates")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_appointments_user_id"),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name="fk_appointments_region_code"),
        sa.ForeignKeyConstraint(["appointed_by"], ["users.id"], name="fk_appointments_appointed_by"),
    )
    op.create_index("ix_appointments_user_id", "appointments", ["user_id"])
    op.create_index(
        "ix_appointments_region_code",
        "appointments",
        ["region_code", "id"],
        postgresql_ops={"region_code": "text_pattern_ops"},
    )


def downgrade() -> None:
    op.drop_table("appointments")
    op.drop_table("tokens")
    op.drop_table("users")
