"""Statistics: fill what counted steps say of their report, some thousand at a time; indexes that hold all they count

Revision ID: 0034_counted_steps
Revises: 0033_counted_columns
"""

from alembic import op
from sqlalchemy import text

from wxapi.platform import migrate

revision = "0034_counted_steps"
down_revision = "0033_counted_columns"
branch_labels = None
depends_on = None

_BATCH = 5000
_STEPS = (
    "action IN ('return', 'dispute', 'reopen', 'approve_extension', 'approve_hold', 'confirm', 'auto_close', 'refuse',"
    " 'withdraw', 'merge') AND (action <> 'merge' OR to_state = 'merged')"
)
# Who held it is who had it in the line before. Lines written meanwhile by the release before are counted without.
_FILL = text(f"""
WITH batch AS (
  SELECT id FROM report_events WHERE id > :after ORDER BY id LIMIT {_BATCH}
), filled AS (
  UPDATE report_events AS line SET county_code = r.county_code, township_code = r.township_code,
    village_code = r.village_code, category_code = r.category_code,
    rating = CAST(line.detail ->> 'rating' AS smallint),
    held_by = coalesce((
      SELECT past.desk_code FROM report_events past
      WHERE past.report_id = line.report_id AND past.id < line.id ORDER BY past.id DESC LIMIT 1
    ), r.desk_code)
  FROM batch, reports r
  WHERE line.id = batch.id AND r.id = line.report_id AND r.excluded_village_code IS NULL
    AND line.county_code IS NULL AND {_STEPS.replace("action", "line.action").replace("to_state", "line.to_state")}
)
SELECT max(id) FROM batch
""")
_BEFORE = [
    "stage", "place_township_code", "place_village_code", "class_code", "unit_code", "started_at", "met_at", "dropped_at",
    "stopped_at", "self_settled", "confidential", "subject_type",
]  # fmt: skip
_SETTLED = [
    "stage", "place_township_code", "place_village_code", "class_code", "unit_code", "confidential", "subject_type",
]  # fmt: skip
_COUNTED = ["action", "township_code", "village_code", "category_code", "held_by", "rating"]


def upgrade() -> None:
    with op.get_context().autocommit_block():
        last = 0
        while last is not None:
            last = op.get_bind().scalar(_FILL, {"after": last})
    with migrate.without_blocking():
        _make("ix_report_events_counted", "report_events", ["county_code", "at"], _COUNTED, "county_code IS NOT NULL")
        _make("ix_report_events_unplaced", "report_events", ["at"], ["action", "report_id"],
              f"county_code IS NULL AND {_STEPS}")  # fmt: skip
        op.drop_index("ix_report_events_at", "report_events", postgresql_concurrently=True, if_exists=True)
        _make("ix_duties_counted", "duties", ["place_county_code", "due_at"], [*_BEFORE, "used_s"], None)
        op.drop_index("ix_duties_figures", "duties", postgresql_concurrently=True, if_exists=True)
        _make("ix_duties_self_settled", "duties", ["place_county_code", "met_at"], _SETTLED, "self_settled")


def _make(name: str, table: str, columns: list[str], read: list[str], where: str | None) -> None:
    op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
    op.create_index(
        name,
        table,
        columns,
        postgresql_include=read,
        postgresql_where=None if where is None else text(where),
        postgresql_concurrently=True,
    )


def downgrade() -> None:
    with migrate.without_blocking():
        op.drop_index("ix_duties_self_settled", "duties", postgresql_concurrently=True, if_exists=True)
        _make("ix_duties_figures", "duties", ["place_county_code", "due_at"], _BEFORE, None)
        op.drop_index("ix_duties_counted", "duties", postgresql_concurrently=True, if_exists=True)
        _make("ix_report_events_at", "report_events", ["at"], ["action", "report_id"], _STEPS.partition(" AND (")[0])
        op.drop_index("ix_report_events_unplaced", "report_events", postgresql_concurrently=True, if_exists=True)
        op.drop_index("ix_report_events_counted", "report_events", postgresql_concurrently=True, if_exists=True)
