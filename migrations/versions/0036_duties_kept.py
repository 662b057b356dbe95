"""Duties: an index that finds what began long ago

Revision ID: 0036_duties_kept
Revises: 0035_people_imports
"""

from alembic import op

from wxapi.platform import migrate

revision = "0036_duties_kept"
down_revision = "0035_people_imports"
branch_labels = None
depends_on = None

_NAME = "ix_duties_started_at"


def upgrade() -> None:
    with migrate.without_blocking():
        # A run that was cut off leaves an index that is not valid.
        op.drop_index(_NAME, "duties", postgresql_concurrently=True, if_exists=True)
        op.create_index(_NAME, "duties", ["started_at"], postgresql_using="brin", postgresql_concurrently=True)


def downgrade() -> None:
    with migrate.without_blocking():
        op.drop_index(_NAME, "duties", postgresql_concurrently=True, if_exists=True)
