"""Regions: the tree and its boundaries"""

import sqlalchemy as sa
from alembic import op

revision = "0002_regions"
down_revision = "0001_platform"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "regions",
        sa.Column("code", sa.String(15), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("level", sa.String(10), nullable=False),
        sa.Column("parent_code", sa.String(15)),
        sa.Column("boundary", sa.LargeBinary()),
        sa.CheckConstraint(
            "code ~ '^([0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15})$'", name="ck_regions_code_digits"
        ),
        sa.CheckConstraint("level IN ('city', 'county', 'township', 'village', 'grid')", name="ck_regions_level_known"),
        sa.CheckConstraint("starts_with(code, parent_code)", name="ck_regions_code_below_parent"),
        sa.ForeignKeyConstraint(["parent_code"], ["regions.code"], name="fk_regions_parent_code"),
        sa.PrimaryKeyConstraint("code", name="pk_regions"),
    )
    op.create_index("ix_regions_parent_code_code", "regions", ["parent_code", "code"])
    op.create_table(
        "region_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("regions", sa.Integer(), nullable=False),
        sa.Column("boundaries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_region_versions"),
    )


def downgrade() -> None:
    op.drop_table("region_versions")
    op.drop_table("regions")
