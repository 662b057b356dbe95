"""Reports: the indexes of desks without what lies on none yet, so that a report is filed into six indexes less

Revision ID: 0045_desk_indexes
Revises: 0044_figures_truncated
"""

from sqlalchemy import text

from wxapi.platform import migrate

revision = "0045_desk_indexes"
down_revision = "0044_figures_truncated"
branch_labels = None
depends_on = None

_DUE = "coalesce(due_at, 'infinity'::timestamptz)"
_LEVELS = ("county", "township", "village")


def upgrade() -> None:
    _replace(only_on_desks=True)


def downgrade() -> None:
    _replace(only_on_desks=False)


def _replace(*, only_on_desks: bool) -> None:
    for level in _LEVELS:
        desk = f"desk_{level}_code"
        on_desk = f"{desk} IS NOT NULL" if only_on_desks else None
        open_there = f"is_open AND {on_desk}" if on_desk else "is_open"
        migrate.replace_index(f"ix_reports_open_{level}_due", "reports", [desk, text(_DUE), "id"], where=open_there)
        migrate.replace_index(f"ix_reports_desk_{level}_created", "reports", [desk, "created_at", "id"], where=on_desk)
