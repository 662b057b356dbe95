"""Duties, and the appeals against their cards"""

import sqlalchemy as sa
from alembic import op

revision = "0013_duties"
down_revision = "0012_units"
branch_labels = None
depends_on = None

_OPEN = sa.text("met_at IS NULL AND dropped_at IS NULL")


def _at(name, *, nullable=True):
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name, *, nullable=True):
    return sa.Column(name, sa.Text(), nullable=nullable)


def _flag(name):
    return sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "duties",
        sa.Column("id", sa.Uuid(), nullable=False),
        _text("subject_type", nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        _text("subject_number", nullable=False),
        _text("stage", nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("unit_code", sa.String(28), nullable=False),
        _text("unit_county_code"),
        _text("unit_township_code"),
        _text("unit_village_code"),
        _text("place_code"),
        _text("place_county_code"),
        _text("place_township_code"),
        _text("place_village_code"),
        _text("class_code"),
        _flag("confidential"),
        _text("clock", nullable=False),
        sa.Column("limit_s", sa.Integer(), nullable=False),
        _at("origin_at", nullable=False),
        _at("started_at", nullable=False),
        _at("due_at", nullable=False),
        _at("stopped_at"),
        sa.Column("left_s", sa.BigInteger()),
        _at("met_at"),
        _at("dropped_at"),
        _text("drop_reason"),
        _flag("self_settled"),
        sa.Column("rung", sa.SmallInteger(), server_default="0", nullable=False),
        _at("next_rung_at"),
        _text("card"),
        _at("carded_at"),
        _at("card_lifted_at"),
        sa.PrimaryKeyConstraint("id", name="pk_duties"),
        sa.ForeignKeyConstraint(["unit_code"], ["units.code"], name="fk_duties_unit_code"),
        sa.CheckConstraint("num_nonnulls(met_at, dropped_at) <= 1", name=op.f("ck_duties_one_end")),
        sa.CheckConstraint("(dropped_at IS NULL) = (drop_reason IS NULL)", name=op.f("ck_duties_drop_reason")),
        sa.CheckConstraint("due_at > origin_at", name=op.f("ck_duties_due_after_origin")),
        sa.CheckConstraint("(stopped_at IS NULL) = (left_s IS NULL)", name=op.f("ck_duties_stopped")),
        sa.CheckConstraint("rung IN (0, 50, 80, 100, 200)", name=op.f("ck_duties_rung")),
        sa.CheckConstraint("card IS NULL OR carded_at IS NOT NULL", name=op.f("ck_duties_carded")),
        sa.CheckConstraint("card_lifted_at IS NULL OR card IS NOT NULL", name=op.f("ck_duties_lifted")),
    )
    op.create_index(
        "uq_duties_open", "duties", ["subject_id", "unit_code", "stage"], unique=True, postgresql_where=_OPEN
    )
    op.create_index("uq_duties_seq", "duties", ["subject_id", "stage", "seq"], unique=True)
    for name, column in (("unit", "unit_code"), ("county", "unit_county_code"), ("township", "unit_township_code")):
        op.create_index(f"ix_duties_{name}_due", "duties", [column, "due_at", "id"], postgresql_where=_OPEN)
    op.create_index("ix_duties_open_due", "duties", ["due_at", "id"], postgresql_where=_OPEN)
    op.create_index(
        "ix_duties_next_rung_at",
        "duties",
        ["next_rung_at", "id"],
        postgresql_where=sa.text("next_rung_at IS NOT NULL"),
    )
    op.create_index(
        "ix_duties_due_at",
        "duties",
        ["due_at"],
        postgresql_include=["stage", "place_county_code", "met_at", "dropped_at"],
    )
    op.create_table(
        "duty_appeals",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("duty_id", sa.Uuid(), nullable=False),
        _at("asked_at", nullable=False),
        sa.Column("asked_by", sa.Uuid()),
        _text("note", nullable=False),
        _at("decided_at"),
        sa.Column("decided_by", sa.Uuid()),
        _text("decision"),
        _text("decision_note"),
        sa.PrimaryKeyConstraint("id", name="pk_duty_appeals"),
        sa.ForeignKeyConstraint(["duty_id"], ["duties.id"], name="fk_duty_appeals_duty_id"),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name="fk_duty_appeals_asked_by", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name="fk_duty_appeals_decided_by", ondelete="SET NULL"),
        sa.CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name=op.f("ck_duty_appeals_decided")),
    )
    op.create_index("uq_duty_appeals_duty_id", "duty_appeals", ["duty_id"], unique=True)


def downgrade() -> None:
    op.drop_table("duty_appeals")
    op.drop_table("duties")
