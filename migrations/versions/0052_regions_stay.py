"""Regions are never removed, so no report locks the village it lies in; and a mark of a new report is one plain row

Revision ID: 0052_regions_stay
Revises: 0051_idle_people_found
"""

from alembic import op

revision = "0052_regions_stay"
down_revision = "0051_idle_people_found"
branch_labels = None
depends_on = None

_KEYS = {"fk_reports_village_code": "village_code", "fk_reports_grid_code": "grid_code"}
_MONTH = "CAST(date_trunc('month', {at} AT TIME ZONE 'Asia/Shanghai') AS date)"
_ANY_CHANGE = f"""
          INSERT INTO figure_marks (county_code, month)
          SELECT DISTINCT county, {_MONTH.format(at="at")}
          FROM (VALUES (OLD.county_code, OLD.created_at, OLD.excluded_village_code IS NULL),
                (NEW.county_code, NEW.created_at, NEW.excluded_village_code IS NULL)) AS touched (county, at, counted)
          WHERE counted AND county IS NOT NULL AND at IS NOT NULL;
"""
# The trigger calls it for a new row that is counted, and that has a county and a time.
_NEW_ROW = f"""
          INSERT INTO figure_marks (county_code, month)
          VALUES (NEW.county_code, {_MONTH.format(at="NEW.created_at")});
"""


def upgrade() -> None:
    op.execute("""
        CREATE FUNCTION regions_stay() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          RAISE EXCEPTION 'a region is closed, never removed, and keeps its code' USING ERRCODE = 'restrict_violation';
        END $$
    """)
    op.execute(
        "CREATE TRIGGER regions_stay BEFORE DELETE OR UPDATE OF code OR TRUNCATE ON regions"
        " FOR EACH STATEMENT EXECUTE FUNCTION regions_stay()"
    )
    op.execute("ALTER TABLE reports " + ", ".join(f"DROP CONSTRAINT {name}" for name in _KEYS))
    _mark_by(f"IF TG_OP = 'INSERT' THEN {_NEW_ROW} ELSE {_ANY_CHANGE} END IF;")


def downgrade() -> None:
    _mark_by(_ANY_CHANGE)
    for name, column in _KEYS.items():
        op.execute(
            f"ALTER TABLE reports ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES regions (code) NOT VALID"
        )
    for name in _KEYS:
        op.execute(f"ALTER TABLE reports VALIDATE CONSTRAINT {name}")
    op.execute("DROP TRIGGER regions_stay ON regions")
    op.execute("DROP FUNCTION regions_stay()")


def _mark_by(statements: str) -> None:
    op.execute(f"""
        CREATE OR REPLACE FUNCTION figures_mark_reports() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
          {statements}
          RETURN NULL;
        END $$
    """)
