"""Bulletins and exports; used time of duties; what statistics look for"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018_supervision"
down_revision = "0017_rights"
branch_labels = None
depends_on = None


def _at(name, *, nullable=True):
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name, *, nullable=True):
    return sa.Column(name, sa.Text(), nullable=nullable)


def upgrade() -> None:
    op.add_column("duties", sa.Column("used_s", sa.BigInteger()))
    op.create_table(
        "bulletins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("region_code", sa.String(15), nullable=False),
        _text("title", nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        _text("sha256", nullable=False),
        sa.Column("corrects_id", sa.Uuid()),
        _at("issued_at", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bulletins"),
        sa.ForeignKeyConstraint(["region_code"], ["regions.code"], name="fk_bulletins_region_code"),
        sa.ForeignKeyConstraint(["corrects_id"], ["bulletins.id"], name="fk_bulletins_corrects_id"),
    )
    op.create_index("ix_bulletins_issued_at", "bulletins", ["issued_at", "id"])
    op.execute(
        "CREATE FUNCTION refuse_bulletin_change() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'bulletins are never changed'; END $$"
    )
    op.execute(
        "CREATE TRIGGER bulletins_frozen BEFORE UPDATE OR DELETE ON bulletins"
        " FOR EACH ROW EXECUTE FUNCTION refuse_bulletin_change()"
    )
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        _text("kind", nullable=False),
        _text("format", nullable=False),
        sa.Column("asked", postgresql.JSONB(), nullable=False),
        _text("state", nullable=False),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger()),
        _text("code"),
        _text("file_key"),
        sa.Column("bytes", sa.BigInteger()),
        sa.Column("row_count", sa.BigInteger()),
        _text("sha256"),
        _at("created_at", nullable=False),
        _at("expires_at"),
        sa.PrimaryKeyConstraint("id", name="pk_exports"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_exports_user_id", ondelete="CASCADE"),
        sa.CheckConstraint(
            "state <> 'ready' OR num_nonnulls(sha256, row_count, bytes, file_key) = 4", name=op.f("ck_exports_ready")
        ),
    )
    op.create_index("ix_exports_user_id", "exports", ["user_id", "created_at", "id"])
    op.create_index(
        "ix_exports_expires_at", "exports", ["expires_at"], postgresql_where=sa.text("file_key IS NOT NULL")
    )
    # Steps of reports by time: statistics count them.
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_report_events_at",
            "report_events",
            ["at"],
            postgresql_include=["action", "report_id"],
            postgresql_where=sa.text(
                "action IN ('return', 'dispute', 'reopen', 'approve_extension', 'approve_hold', 'confirm',"
                " 'auto_close', 'refuse', 'withdraw', 'merge')"
            ),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index("ix_report_events_at", "report_events")
    op.drop_table("exports")
    op.drop_table("bulletins")
    op.execute("DROP FUNCTION refuse_bulletin_change()")
    op.drop_column("duties", "used_s")
