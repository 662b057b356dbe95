"""Reports: indexes of what is open by the column that says so, and of what is long over

Built without holding anybody up. Until the API is restarted the one of the release before, which spells the states out,
reads its queues by the indexes of time instead: slower, and right.

Revision ID: 0027_report_indexes
Revises: 0026_reports_over
"""

from alembic import op
from sqlalchemy import text

from wxapi.platform import migrate

revision = "0027_report_indexes"
down_revision = "0026_reports_over"
branch_labels = None
depends_on = None

_DUE = "coalesce(due_at, 'infinity'::timestamptz)"
# (name now, name before, columns)
_OPEN = (
    ("ix_reports_open_county_due", "ix_reports_desk_county_due", ["desk_county_code", _DUE, "id"]),
    ("ix_reports_open_township_due", "ix_reports_desk_township_due", ["desk_township_code", _DUE, "id"]),
    ("ix_reports_open_village_due", "ix_reports_desk_village_due", ["desk_village_code", _DUE, "id"]),
    ("ix_reports_open_due", "ix_reports_due", [_DUE, "id"]),
    ("ix_reports_open_place", "ix_reports_place", ["latitude", "longitude"]),
)
_OPEN_STATES = "state IN ('submitted', 'triage', 'routed', 'accepted', 'on_hold', 'resolved')"


def upgrade() -> None:
    with migrate.without_blocking():
        for name, _, columns in _OPEN:
            _build(name, columns, "is_open")
        _build("ix_reports_over", ["updated_at", "id"], "NOT is_open")
        for _, before, _ in _OPEN:
            _drop(before)


def downgrade() -> None:
    with migrate.without_blocking():
        for _, before, columns in _OPEN:
            _build(before, columns, _OPEN_STATES)
        _drop("ix_reports_over")
        for name, _, _ in _OPEN:
            _drop(name)


def _build(name: str, columns: list[str], where: str) -> None:
    _drop(name)
    expressions = [text(column) if "(" in column else column for column in columns]
    op.create_index(
        name, "reports", expressions, postgresql_where=text(where), postgresql_concurrently=True, if_not_exists=True
    )


def _drop(name: str) -> None:
    op.drop_index(name, "reports", postgresql_concurrently=True, if_exists=True)
