"""Duties: all that the panorama says of what is open stands in its index

Revision ID: 0041_open_figures
Revises: 0040_extended_limits
"""

from wxapi.platform import migrate

revision = "0041_open_figures"
down_revision = "0040_extended_limits"
branch_labels = None
depends_on = None

_READ = [
    "place_township_code", "place_village_code", "confidential", "subject_type", "rung", "card", "card_lifted_at",
]  # fmt: skip


def upgrade() -> None:
    _replace(_READ)


def downgrade() -> None:
    _replace([])


def _replace(read: list[str]) -> None:
    migrate.replace_index(
        "ix_duties_open_place",
        "duties",
        ["place_county_code", "due_at"],
        include=read,
        where="met_at IS NULL AND dropped_at IS NULL",
    )
