"""Units, and the townships' lists of matters"""

import sqlalchemy as sa
from alembic import op

revision = "0012_units"
down_revision = "0011_make_up"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "units",
        sa.Column("code", sa.String(28), nullable=False),
        sa.Column("region_code", sa.String(15), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("field", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_on", sa.Date()),
        sa.Column("successor_code", sa.String(28)),
        sa.PrimaryKeyConstraint("code", name="pk_units"),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name="fk_units_region_code"),
        sa.ForeignKeyConstraint(["successor_code"], ["units.code"], name="fk_units_successor_code"),
        sa.CheckConstraint(
            "code = region_code OR starts_with(code, region_code || '-')", name=op.f("ck_units_code_below_region")
        ),
        sa.CheckConstraint("(kind = 'region') = (code = region_code)", name=op.f("ck_units_kind_region")),
        sa.CheckConstraint("successor_code IS NULL OR closed_on IS NOT NULL", name=op.f("ck_units_successor")),
    )
    op.create_index(
        "ix_units_region_code", "units", ["region_code", "code"], postgresql_ops={"region_code": "text_pattern_ops"}
    )
    op.create_table(
        "matters",
        sa.Column("region_code", sa.String(15), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("lead_unit_code", sa.Text()),
        sa.PrimaryKeyConstraint("region_code", "code", name="pk_matters"),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name="fk_matters_region_code"),
    )
    # A new role widens no check.
    op.drop_constraint(op.f("ck_appointments_role"), "appointments")
    op.add_column("appointments", sa.Column("unit_code", sa.String(28)))
    op.create_foreign_key(
        "fk_appointments_unit_code", "appointments", "units", ["unit_code"], ["code"], postgresql_not_valid=True
    )
    op.execute("ALTER TABLE appointments VALIDATE CONSTRAINT fk_appointments_unit_code")
    op.execute(
        "ALTER TABLE appointments ADD CONSTRAINT ck_appointments_unit"
        " CHECK ((role = 'unit_officer') = (unit_code IS NOT NULL)) NOT VALID"
    )
    op.execute("ALTER TABLE appointments VALIDATE CONSTRAINT ck_appointments_unit")
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_appointments_unit_code",
            "appointments",
            ["unit_code"],
            postgresql_where=sa.text("unit_code IS NOT NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index("ix_appointments_unit_code", "appointments")
    op.drop_constraint(op.f("ck_appointments_unit"), "appointments")
    op.drop_column("appointments", "unit_code")
    op.execute("DELETE FROM appointments WHERE role = 'unit_officer'")
    op.create_check_constraint(
        op.f("ck_appointments_role"),
        "appointments",
        "role IN ('community_worker', 'township_officer', 'street_chief', 'supervisor', 'training_organiser',"
        " 'training_steward', 'admin')",
    )
    op.drop_table("matters")
    op.drop_table("units")
