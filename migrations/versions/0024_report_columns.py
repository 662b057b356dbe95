"""Reports: whether one is open, the limits it was routed with, and who joined, as columns; no lists of codes in CHECKs

A new state then rebuilds no index, and a new code validates no table again. Columns get a constant default or none, so
no row is written here. The trigger keeps `is_open` right for the API of the release before, which does not know the
column; it leaves alone what the present one writes, and states it does not know. The release after this one drops it.

Revision ID: 0024_report_columns
Revises: 0023_regions_closed
"""

import sqlalchemy as sa
from alembic import op

revision = "0024_report_columns"
down_revision = "0023_regions_closed"
branch_labels = None
depends_on = None

_OPEN = ("submitted", "triage", "routed", "accepted", "on_hold", "resolved")
_OVER = ("closed", "refused", "withdrawn", "merged")


def _listed(codes: tuple[str, ...]) -> str:
    return ", ".join(f"'{code}'" for code in codes)


# (table, name of the constraint, what it said)
_LISTS = (
    ("reports", "state", f"state IN ({_listed(_OPEN + _OVER)})"),
    ("reports", "card", "card IN ('yellow', 'red')"),
    ("reports", "desk", "desk_code IS NOT NULL OR state IN ('submitted', 'withdrawn')"),
    ("report_originals", "field", "field IN ('description', 'address', 'note')"),
    ("report_photos", "purpose", "purpose IN ('report', 'after', 'event')"),
)
_KEEP_OPEN = f"""
CREATE FUNCTION reports_keep_is_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.is_open = OLD.is_open THEN
    IF NEW.state IN ({_listed(_OVER)}) THEN
      NEW.is_open := false;
    ELSIF NEW.state IN ({_listed(_OPEN)}) THEN
      NEW.is_open := true;
    END IF;
  END IF;
  RETURN NEW;
END $$
"""


def upgrade() -> None:
    for table, name, _ in _LISTS:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.add_column("reports", sa.Column("is_open", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("reports", sa.Column("respond_limit_s", sa.Integer()))
    op.add_column("reports", sa.Column("resolve_limit_s", sa.Integer()))
    op.add_column("reports", sa.Column("urgent", sa.Boolean()))
    op.execute(_KEEP_OPEN)
    op.execute(
        "CREATE TRIGGER keep_is_open BEFORE UPDATE OF state ON reports"
        " FOR EACH ROW EXECUTE FUNCTION reports_keep_is_open()"
    )
    op.execute(
        "ALTER TABLE reports ADD CONSTRAINT ck_reports_routed"
        " CHECK (desk_code IS NOT NULL OR routed_at IS NULL) NOT VALID"
    )
    op.create_table(
        "report_join_marks",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("report_id", "digest", name="pk_report_join_marks"),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name="fk_report_join_marks_report_id"),
    )
    op.create_index("ix_report_join_marks_at", "report_join_marks", ["at"])


def downgrade() -> None:
    op.drop_table("report_join_marks")
    op.drop_constraint(op.f("ck_reports_routed"), "reports")
    op.execute("DROP TRIGGER keep_is_open ON reports")
    op.execute("DROP FUNCTION reports_keep_is_open()")
    for name in ("urgent", "resolve_limit_s", "respond_limit_s", "is_open"):
        op.drop_column("reports", name)
    for table, name, said in reversed(_LISTS):
        # Not validated: rows with a newer code stay as they are.
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({said}) NOT VALID")
