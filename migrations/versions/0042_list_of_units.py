"""The city's list of people names officers of units too"""

import sqlalchemy as sa
from alembic import op

revision = "0042_list_of_units"
down_revision = "0041_open_figures"
branch_labels = None
depends_on = None

_ONE = "people_roster"


def upgrade() -> None:
    # A city's list has some thousands of rows: what reads them all takes no time.
    op.add_column(_ONE, sa.Column("unit_code", sa.String(28)))
    op.execute(
        f"ALTER TABLE {_ONE} ADD CONSTRAINT fk_people_roster_unit_code"
        " FOREIGN KEY (unit_code) REFERENCES units (code) NOT VALID"
    )
    op.execute(f"ALTER TABLE {_ONE} VALIDATE CONSTRAINT fk_people_roster_unit_code")
    op.execute(
        f"ALTER TABLE {_ONE} ADD CONSTRAINT ck_people_roster_unit"
        " CHECK (unit_code IS NULL OR role = 'unit_officer') NOT VALID"
    )
    op.execute(f"ALTER TABLE {_ONE} VALIDATE CONSTRAINT ck_people_roster_unit")
    # One person may be the officer of two units of a region.
    op.create_unique_constraint(
        "uq_people_roster_office",
        _ONE,
        ["phone_digest", "role", "region_code", "unit_code"],
        postgresql_nulls_not_distinct=True,
    )
    op.drop_constraint("uq_people_roster_phone_digest", _ONE)
    op.create_index(
        "ix_people_roster_unit_code", _ONE, ["unit_code"], postgresql_where=sa.text("unit_code IS NOT NULL")
    )


def downgrade() -> None:
    op.execute(f"DELETE FROM {_ONE} WHERE unit_code IS NOT NULL")
    op.drop_index("ix_people_roster_unit_code", _ONE)
    op.create_unique_constraint("uq_people_roster_phone_digest", _ONE, ["phone_digest", "role", "region_code"])
    op.drop_constraint("uq_people_roster_office", _ONE)
    op.drop_constraint("ck_people_roster_unit", _ONE)
    op.drop_column(_ONE, "unit_code")
