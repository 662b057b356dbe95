"""Bringing a database to the newest schema, from a command or a program; the alembic.ini is this function."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from alembic import command, op
from alembic.config import Config as AlembicConfig
from sqlalchemy import Connection, TextClause, text

FOLDER = Path(__file__).resolve().parents[2] / "migrations"
# Requests queue behind a migration that waits for a lock: it gives up before they do.
LOCK_TIMEOUT = "5s"
_KEY = "hashtext('wxapi.migrations')"
_POLL_S = 0.2


def alembic_config(database_url: str) -> AlembicConfig:
    """Alembic's settings for this project and one database."""
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(FOLDER))
    settings.attributes["url"] = database_url
    return settings


def upgrade(database_url: str, revision: str = "head") -> None:
    """Migrate up; does nothing when the database is there already."""
    command.upgrade(alembic_config(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Migrate down to a revision; `base` is the empty database."""
    command.downgrade(alembic_config(database_url), revision)


@contextmanager
def one_at_a_time(connection: Connection) -> Iterator[None]:
    """Hold the lock of all migrations, over all their transactions; a second operator waits, then finds nothing to do.

    It asks again and again instead of waiting inside the database: a statement that waits there has a snapshot, for
    whose end a CREATE INDEX CONCURRENTLY of the first operator would wait in turn.
    """
    while not _ask(connection, f"SELECT pg_try_advisory_lock({_KEY})"):
        time.sleep(_POLL_S)
    try:
        yield
    finally:
        connection.rollback()  # what a failed migration left open
        _ask(connection, f"SELECT pg_advisory_unlock({_KEY})")


@contextmanager
def without_blocking() -> Iterator[None]:
    """For CREATE or DROP INDEX CONCURRENTLY in a migration: outside a transaction, and waiting as long as it takes.

    Such a statement waits for transactions that began before it, and nobody waits for it.
    """
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        yield
        op.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")


def replace_index(
    name: str, table: str, columns: Sequence[str | TextClause], *, include: Sequence[str] = (), where: str | None = None
) -> None:
    """Build an index beside the one of its name, which serves until the new one is whole.

    Args:
        name: of both.
        table: whose index it is.
        columns: its key.
        include: what it holds besides.
        where: which rows it holds; None: all.
    """
    following = f"{name}_next"
    with without_blocking():
        op.drop_index(following, table, postgresql_concurrently=True, if_exists=True)  # of a try that was cut off
        op.create_index(
            following,
            table,
            columns,
            postgresql_include=list(include) or None,
            postgresql_where=text(where) if where else None,
            postgresql_concurrently=True,
        )
        op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
        op.execute(f"ALTER INDEX {following} RENAME TO {name}")


def _ask(connection: Connection, question: str) -> bool:
    answer = bool(connection.scalar(text(question)))
    connection.rollback()  # ends the transaction; such a lock outlives it
    return answer
