"""Stand-ins for an office, and the phone asked again before somebody is appointed"""

import sqlalchemy as sa
from alembic import op

revision = "0030_stand_ins"
down_revision = "0029_sealing_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("appointments", sa.Column("stands_in_for", sa.Uuid()))
    op.execute(
        "ALTER TABLE appointments ADD CONSTRAINT fk_appointments_stands_in_for"
        " FOREIGN KEY (stands_in_for) REFERENCES appointments (id) NOT VALID"
    )
    op.execute(
        "ALTER TABLE appointments ADD CONSTRAINT ck_appointments_stand_in"
        " CHECK (stands_in_for IS NULL OR ends_on IS NOT NULL) NOT VALID"
    )
    # A city has some thousands of appointments.
    op.execute("ALTER TABLE appointments VALIDATE CONSTRAINT fk_appointments_stands_in_for")
    op.execute("ALTER TABLE appointments VALIDATE CONSTRAINT ck_appointments_stand_in")
    op.create_index(
        "ix_appointments_stands_in_for",
        "appointments",
        ["stands_in_for"],
        postgresql_where=sa.text("stands_in_for IS NOT NULL"),
    )
    for table in ("tokens", "web_sessions"):
        op.add_column(table, sa.Column("confirmed_at", sa.DateTime(timezone=True)))
    op.add_column("web_logins", sa.Column("asks_user_id", sa.Uuid()))
    op.execute(
        "ALTER TABLE web_logins ADD CONSTRAINT fk_web_logins_asks_user_id"
        " FOREIGN KEY (asks_user_id) REFERENCES users (id) ON DELETE CASCADE NOT VALID"
    )
    # Attempts live for two minutes.
    op.execute("ALTER TABLE web_logins VALIDATE CONSTRAINT fk_web_logins_asks_user_id")


def downgrade() -> None:
    op.drop_constraint("fk_web_logins_asks_user_id", "web_logins")
    op.drop_column("web_logins", "asks_user_id")
    for table in ("web_sessions", "tokens"):
        op.drop_column(table, "confirmed_at")
    op.drop_index("ix_appointments_stands_in_for", "appointments")
    op.drop_constraint("ck_appointments_stand_in", "appointments")
    op.drop_constraint("fk_appointments_stands_in_for", "appointments")
    op.drop_column("appointments", "stands_in_for")
