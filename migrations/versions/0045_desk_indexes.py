"""Reports: the indexes of desks without what lies on none yet, so that a report is filed into six indexes less

Revision ID: 0045_desk_indexes
Revises: 0044_figures_truncated
"""

from alembic import op
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
    with migrate.without_blocking():
        for level in _LEVELS:
            desk = f"desk_{level}_code"
            on_desk = [f"{desk} IS NOT NULL"] if only_on_desks else []
            _build(f"ix_reports_open_{level}_due", [desk, text(_DUE), "id"], ["is_open", *on_desk])
            _build(f"ix_reports_desk_{level}_created", [desk, "created_at", "id"], on_desk)


def _build(name: str, columns: list, conditions: list[str]) -> None:
    """The one there serves until the new one is whole."""
    following = f"{name}_next"
    op.drop_index(following, "reports", postgresql_concurrently=True, if_exists=True)
    op.create_index(
        following,
        "reports",
        columns,
        postgresql_where=text(" AND ".join(conditions)) if conditions else None,
        postgresql_concurrently=True,
    )
    op.drop_index(name, "reports", postgresql_concurrently=True, if_exists=True)
    op.execute(f"ALTER INDEX {following} RENAME TO {name}")
