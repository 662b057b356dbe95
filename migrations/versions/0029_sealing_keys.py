"""Which keys data need; those that sealed values name are noted by reading them, which takes a minute for millions

Revision ID: 0029_sealing_keys
Revises: 0028_figures
"""

import sqlalchemy as sa
from alembic import op

revision = "0029_sealing_keys"
down_revision = "0028_figures"
branch_labels = None
depends_on = None

_SEALED = (
    ("users", "openid_sealed"),
    ("users", "phone_sealed"),
    ("people_roster", "name_sealed"),
    ("push_events", "body_sealed"),
    ("report_originals", "sealed"),
    ("training_sessions", "secret_sealed"),
    ("idempotency_keys", "body"),
)


def upgrade() -> None:
    op.create_table(
        "sealing_keys",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("proof", sa.LargeBinary()),
        sa.Column("since", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_sealing_keys"),
    )
    for table, column in _SEALED:
        # A value begins with the name of its key, at most 16 bytes, and a zero byte.
        op.execute(
            "INSERT INTO sealing_keys (kind, name, since)"
            rf" SELECT DISTINCT 'encryption', split_part(encode(substr({column}, 1, 17), 'escape'), '\000', 1), now()"
            f" FROM {table} WHERE {column} IS NOT NULL ON CONFLICT DO NOTHING"
        )


def downgrade() -> None:
    op.drop_table("sealing_keys")
