"""Photos"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004_photos"
down_revision = "0003_identity"
branch_labels = None
depends_on = None

_CODES = (
    "'empty_file', 'unsupported_format', 'truncated', 'too_many_pixels', 'too_small', "
    "'too_narrow', 'too_many_frames', 'too_many_scans', 'corrupt'"
)


def upgrade() -> None:
    op.create_table(
        "photos",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid()),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rejection", sa.Text()),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("variants", JSONB(none_as_null=True)),
        sa.Column("used_by_kind", sa.Text()),
        sa.Column("used_by_id", sa.Uuid()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_photos"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_photos_owner_id", ondelete="SET NULL"),
        sa.CheckConstraint("state IN ('pending', 'ready', 'rejected')", name=op.f("ck_photos_state")),
        sa.CheckConstraint(f"rejection IN ({_CODES})", name=op.f("ck_photos_rejection")),
        sa.CheckConstraint("(state = 'rejected') = (rejection IS NOT NULL)", name=op.f("ck_photos_rejection_state")),
        sa.CheckConstraint(
            "(state = 'ready') = (variants IS NOT NULL AND width IS NOT NULL)", name=op.f("ck_photos_ready_state")
        ),
        sa.CheckConstraint("(used_by_kind IS NULL) = (used_by_id IS NULL)", name=op.f("ck_photos_used_by")),
    )
    op.create_index("ix_photos_unused", "photos", ["created_at"], postgresql_where=sa.text("used_by_id IS NULL"))
    op.create_index("ix_photos_owner_id", "photos", ["owner_id"], postgresql_where=sa.text("owner_id IS NOT NULL"))


def downgrade() -> None:
    op.drop_table("photos")
