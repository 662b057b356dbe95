"""Scenes: what mini-program codes stand for"""

import sqlalchemy as sa
from alembic import op

revision = "0009_scenes"
down_revision = "0008_moderation"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scenes",
        sa.Column("scene", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("picture_key", sa.Text()),
        sa.PrimaryKeyConstraint("scene", name="pk_scenes"),
        sa.UniqueConstraint("kind", "subject", name="uq_scenes_kind_subject"),
        sa.CheckConstraint("kind IN ('region', 'training_session')", name=op.f("ck_scenes_kind")),
    )


def downgrade() -> None:
    op.drop_table("scenes")
