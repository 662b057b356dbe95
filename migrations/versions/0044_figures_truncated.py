"""Statistics: a counted table that is emptied at once marks every month that is kept

Revision ID: 0044_figures_truncated
Revises: 0043_resolvers
"""

from alembic import op

revision = "0044_figures_truncated"
down_revision = "0043_resolvers"
branch_labels = None
depends_on = None

_COUNTED = ("duties", "reports", "report_events")


def upgrade() -> None:
    # Who keeps a month holds the table until it commits, so what is seen here is all there is.
    op.execute("""
        CREATE FUNCTION figures_mark_all() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
          INSERT INTO figure_marks (county_code, month) SELECT county_code, month FROM figure_months;
          RETURN NULL;
        END $$
    """)
    for table in _COUNTED:
        op.execute(
            f"CREATE TRIGGER figures_emptied AFTER TRUNCATE ON {table} FOR EACH STATEMENT"
            " EXECUTE FUNCTION figures_mark_all()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER figures_emptied")


def downgrade() -> None:
    for table in _COUNTED:
        op.execute(f"DROP TRIGGER figures_emptied ON {table}")
    op.execute("DROP FUNCTION figures_mark_all()")
