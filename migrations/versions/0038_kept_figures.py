"""Statistics: sums of months that are over, and the marks that say they must be counted again

Revision ID: 0038_kept_figures
Revises: 0037_figures_of_now
"""

import sqlalchemy as sa
from alembic import op

revision = "0038_kept_figures"
down_revision = "0037_figures_of_now"
branch_labels = None
depends_on = None

_COUNTS = (
    "due", "on_time", "late", "open_overdue", "pending", "inherited", "held", "received", "returned", "reworked",
    "extended", "held_new", "self_settled", "filed", "closed", "refused", "withdrawn", "merged", "rated", "rating_sum",
)  # fmt: skip
# Table → county, times, and what keeps a row out of all figures.
_COUNTED = {
    "duties": ("place_county_code", ("due_at", "started_at", "met_at"), "{row}.confidential IS FALSE AND {row}.subject_type = 'report'"),
    "reports": ("county_code", ("created_at",), "{row}.excluded_village_code IS NULL"),
    "report_events": ("county_code", ("at",), "true"),
}  # fmt: skip
# Of each, the columns that figures are made of.
_READ = {
    "duties": (
        "place_county_code", "place_township_code", "place_village_code", "class_code", "unit_code", "stage", "confidential",
        "subject_type", "started_at", "due_at", "stopped_at", "met_at", "used_s", "dropped_at", "self_settled",
    ),
    "reports": (
        "county_code", "township_code", "village_code", "category_code", "desk_code", "excluded_village_code", "created_at",
    ),
    "report_events": (
        "county_code", "township_code", "village_code", "category_code", "held_by", "rating", "action", "at",
    ),
}  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "figure_marks",
        sa.Column("county_code", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.PrimaryKeyConstraint("county_code", "month", "id", name="pk_figure_marks"),
    )
    op.create_table(
        "figure_months",
        sa.Column("county_code", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("county_code", "month", name="pk_figure_months"),
    )
    names = ("county_code", "month", "axis", "stage", "township_code", "key")
    op.create_table(
        "figure_sums",
        *(sa.Column(name, sa.Date() if name == "month" else sa.Text(), nullable=False) for name in names),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        sa.PrimaryKeyConstraint(*names, name="pk_figure_sums"),
    )
    op.create_table(
        "figure_times",
        sa.Column("county_code", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("used", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("county_code", "month", "stage", name="pk_figure_times"),
    )
    for table in _COUNTED:
        _mark(table)


def _mark(table: str) -> None:
    """Whoever changes what a figure is made of marks its months, the release before and a hand in psql too.

    As its owner, so that a role whose rights were not renewed yet goes on writing.
    """
    county, times, counted = _COUNTED[table]
    touched = ", ".join(
        f"({row}.{county}, {row}.{at}, {counted.format(row=row)})" for row in ("OLD", "NEW") for at in times
    )
    op.execute(f"""
        CREATE FUNCTION figures_mark_{table}() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
          INSERT INTO figure_marks (county_code, month)
          SELECT DISTINCT county, CAST(date_trunc('month', at AT TIME ZONE 'Asia/Shanghai') AS date)
          FROM (VALUES {touched}) AS touched (county, at, counted)
          WHERE counted AND county IS NOT NULL AND at IS NOT NULL;
          RETURN NULL;
        END $$
    """)
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in _READ[table])
    for name, event, when in (
        ("new", "INSERT", counted.format(row="NEW") + f" AND NEW.{county} IS NOT NULL"),
        ("changed", "UPDATE", changed),
        ("gone", "DELETE", counted.format(row="OLD") + f" AND OLD.{county} IS NOT NULL"),
    ):
        op.execute(
            f"CREATE TRIGGER figures_{name} AFTER {event} ON {table} FOR EACH ROW WHEN ({when})"
            f" EXECUTE FUNCTION figures_mark_{table}()"
        )
        # Where triggers are put off for a copy of rows, too.
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER figures_{name}")


def downgrade() -> None:
    for table in _COUNTED:
        for name in ("new", "changed", "gone"):
            op.execute(f"DROP TRIGGER figures_{name} ON {table}")
        op.execute(f"DROP FUNCTION figures_mark_{table}()")
    for table in ("figure_times", "figure_sums", "figure_months", "figure_marks"):
        op.drop_table(table)
