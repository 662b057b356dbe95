"""Where acts came from, and what was refused: both are forgotten after some months, unlike the audit

Revision ID: 0032_audit_addresses
Revises: 0031_report_filters
"""

import sqlalchemy as sa
from alembic import op

revision = "0032_audit_addresses"
down_revision = "0031_report_filters"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "audit_addresses",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_audit_addresses"),
    )
    op.create_index("ix_audit_addresses_at", "audit_addresses", ["at"])
    op.create_table(
        "refused_attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("hour", _AT, nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_at", _AT, nullable=False),
        sa.Column("last_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_refused_attempts"),
    )
    op.create_index(
        "uq_refused_attempts_hour",
        "refused_attempts",
        ["hour", "endpoint", "code", "address", "actor_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.drop_table("refused_attempts")
    op.drop_table("audit_addresses")
