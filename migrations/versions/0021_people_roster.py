"""A city's list of people, waiting for the phone each will bind"""

import sqlalchemy as sa
from alembic import op

revision = "0021_people_roster"
down_revision = "0020_training_indexes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "people_roster",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("post_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("phone_digest", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("region_code", sa.String(15), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.PrimaryKeyConstraint("id", name="pk_people_roster"),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name="fk_people_roster_region_code"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_people_roster_user_id"),
        sa.UniqueConstraint("phone_digest", "role", "region_code", name="uq_people_roster_phone_digest"),
    )
    op.create_index(
        "ix_people_roster_region_code",
        "people_roster",
        ["region_code"],
        postgresql_ops={"region_code": "text_pattern_ops"},
    )
    op.create_index("ix_people_roster_user_id", "people_roster", ["user_id"])


def downgrade() -> None:
    op.drop_table("people_roster")
