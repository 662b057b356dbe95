"""Statistics and panorama: indexes that hold all they count, by county and time

Revision ID: 0028_figures
Revises: 0027_report_indexes
"""

from alembic import op
from sqlalchemy import text

from wxapi.platform import migrate

revision = "0028_figures"
down_revision = "0027_report_indexes"
branch_labels = None
depends_on = None

_COUNTED = [
    "stage", "place_township_code", "place_village_code", "class_code", "unit_code", "started_at", "met_at", "dropped_at",
    "stopped_at", "self_settled", "confidential", "subject_type",
]  # fmt: skip
_PUBLIC = "excluded_village_code IS NULL"
# (name, table, columns, columns that are only read, condition)
_INDEXES = (
    ("ix_duties_figures", "duties", ["place_county_code", "due_at"], _COUNTED, None),
    (
        "ix_reports_filed",
        "reports",
        ["county_code", "created_at"],
        ["township_code", "village_code", "category_code", "desk_code"],
        _PUBLIC,
    ),
    (
        "ix_reports_open_figures",
        "reports",
        ["county_code"],
        ["township_code", "village_code", "category_code", "due_at", "disputes", "reopened", "state"],
        f"is_open AND {_PUBLIC}",
    ),
)


def upgrade() -> None:
    with migrate.without_blocking():
        for name, table, columns, read, where in _INDEXES:
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
            op.create_index(
                name,
                table,
                columns,
                postgresql_include=read,
                postgresql_where=None if where is None else text(where),
                postgresql_concurrently=True,
            )
        op.drop_index("ix_duties_due_at", "duties", postgresql_concurrently=True, if_exists=True)


def downgrade() -> None:
    with migrate.without_blocking():
        op.create_index(
            "ix_duties_due_at",
            "duties",
            ["due_at"],
            postgresql_include=["stage", "place_county_code", "met_at", "dropped_at"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        for name, table, _, _, _ in reversed(_INDEXES):
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
