"""Lists of people that administrators send, and codes on slips by which people come to their entry"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0035_people_imports"
down_revision = "0034_counted_steps"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "people_imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary()),
        sa.Column("done", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("total", sa.Integer()),
        sa.Column("written", sa.Integer()),
        sa.Column("changed", sa.Integer()),
        sa.Column("matched", sa.Integer()),
        sa.Column("unchanged", sa.Integer()),
        sa.Column("code", sa.Text()),
        sa.Column("detail", sa.Text()),
        sa.Column("faults", JSONB(), nullable=False, server_default=sa.text("'[]'::jsonb")),
        sa.Column("fault_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("finished_at", _AT),
        sa.PrimaryKeyConstraint("id", name="pk_people_imports"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_people_imports_user_id", ondelete="CASCADE"),
    )
    op.create_index("ix_people_imports_user_id", "people_imports", ["user_id", "created_at", "id"])
    op.create_index("ix_people_imports_created_at", "people_imports", ["created_at"])
    op.add_column("people_roster", sa.Column("added_by", sa.Uuid()))
    op.add_column("people_roster", sa.Column("invitation_digest", sa.LargeBinary()))
    op.add_column("people_roster", sa.Column("invitation_expires_at", _AT))
    op.execute(
        "ALTER TABLE people_roster ADD CONSTRAINT fk_people_roster_added_by"
        " FOREIGN KEY (added_by) REFERENCES users (id) NOT VALID"
    )
    # A city's list has some thousands of rows.
    op.execute("ALTER TABLE people_roster VALIDATE CONSTRAINT fk_people_roster_added_by")
    op.create_index(
        "ix_people_roster_invitation_digest",
        "people_roster",
        ["invitation_digest"],
        postgresql_where=sa.text("invitation_digest IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_people_roster_invitation_digest", "people_roster")
    op.drop_constraint("fk_people_roster_added_by", "people_roster")
    for column in ("invitation_expires_at", "invitation_digest", "added_by"):
        op.drop_column("people_roster", column)
    op.drop_table("people_imports")
