"""Reports: a card that was lifted from a duty hangs on the report no more; appeals: who decides finds what waits

Revision ID: 0049_lifted_cards
Revises: 0048_photos_and_checks_found
"""

import sqlalchemy as sa
from alembic import op

revision = "0049_lifted_cards"
down_revision = "0048_photos_and_checks_found"
branch_labels = None
depends_on = None

# Cards that were lifted before: few. A clock whose duties bear no card that counts has had none.
_LIFTED = """
UPDATE reports SET respond_yellow = respond_yellow AND (hangs.respond OR NOT hangs.lifted_respond),
    resolve_yellow = resolve_yellow AND (hangs.resolve OR NOT hangs.lifted_resolve),
    card = CASE
        WHEN hangs.red OR (hangs.respond AND hangs.resolve) THEN 'red'
        WHEN hangs.respond OR hangs.resolve OR (respond_yellow AND NOT hangs.lifted_respond)
            OR (resolve_yellow AND NOT hangs.lifted_resolve) THEN 'yellow'
    END,
    respond_lifted = hangs.respond_lifted, resolve_lifted = hangs.resolve_lifted
FROM (
    SELECT subject_id,
        bool_or(card_lifted_at IS NULL AND stage <> 'resolve') AS respond,
        bool_or(card_lifted_at IS NULL AND stage = 'resolve') AS resolve,
        bool_or(card_lifted_at IS NULL AND card = 'red') AS red,
        bool_or(card_lifted_at IS NOT NULL AND stage <> 'resolve') AS lifted_respond,
        bool_or(card_lifted_at IS NOT NULL AND stage = 'resolve') AS lifted_resolve,
        max(card) FILTER (WHERE card_lifted_at IS NOT NULL AND stage <> 'resolve'
            AND met_at IS NULL AND dropped_at IS NULL) AS respond_lifted,
        max(card) FILTER (WHERE card_lifted_at IS NOT NULL AND stage = 'resolve'
            AND met_at IS NULL AND dropped_at IS NULL) AS resolve_lifted
    FROM duties
    WHERE subject_type = 'report' AND card IS NOT NULL AND stage IN ('triage', 'respond', 'resolve')
    GROUP BY 1
    HAVING bool_or(card_lifted_at IS NOT NULL)
) AS hangs
WHERE hangs.subject_id = reports.id
"""


def upgrade() -> None:
    # By itself: with the columns' lock held while the duties are read, nobody could read a report meanwhile.
    with op.get_context().autocommit_block():
        op.execute(
            "ALTER TABLE reports ADD COLUMN IF NOT EXISTS respond_lifted text,"
            " ADD COLUMN IF NOT EXISTS resolve_lifted text"
        )
        op.execute(_LIFTED)
    # A small table: units appeal now and then.
    op.create_index(
        "ix_duty_appeals_open", "duty_appeals", ["asked_at"], postgresql_where=sa.text("decided_at IS NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_duty_appeals_open", "duty_appeals")
    op.drop_column("reports", "resolve_lifted")
    op.drop_column("reports", "respond_lifted")
