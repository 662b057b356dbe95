"""Duties: whether the clock stands is read from the panorama's index: what stands is due on no day

Revision ID: 0050_due_today
Revises: 0049_lifted_cards
"""

from wxapi.platform import migrate

revision = "0050_due_today"
down_revision = "0049_lifted_cards"
branch_labels = None
depends_on = None

_READ = [
    "place_township_code", "place_village_code", "confidential", "subject_type", "rung", "card", "card_lifted_at",
]  # fmt: skip


def upgrade() -> None:
    _replace([*_READ, "stopped_at"])


def downgrade() -> None:
    _replace(_READ)


def _replace(read: list[str]) -> None:
    migrate.replace_index(
        "ix_duties_open_place",
        "duties",
        ["place_county_code", "due_at"],
        include=read,
        where="met_at IS NULL AND dropped_at IS NULL",
    )
