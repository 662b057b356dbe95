"""Alembic's entry: the database comes from DATABASE_URL or from the caller (`config.attributes["url"]`)."""

import os

from alembic import context
from sqlalchemy import create_engine, pool

from wxapi.platform import dictionary
from wxapi.platform.migrate import LOCK_TIMEOUT, one_at_a_time

METADATA = dictionary.load_models()
dictionary.attach(METADATA)


def _url() -> str:
    given = context.config.attributes.get("url") or os.environ.get("DATABASE_URL")
    if not given:
        raise SystemExit("DATABASE_URL is not set; it wants postgresql://user:password@host/name.")
    return "postgresql+psycopg://" + str(given).partition("://")[2]


def run() -> None:
    """Run the migrations, each in a transaction, one process at a time, never waiting long for a lock."""
    # As an option of the connection it holds for all of them, whatever commits and rolls back in between.
    options = {"options": f"-c lock_timeout={LOCK_TIMEOUT} -c timezone=UTC", "application_name": "wxapi-migrations"}
    engine = create_engine(_url(), poolclass=pool.NullPool, connect_args=options)
    with engine.connect() as connection, one_at_a_time(connection):
        context.configure(
            connection=connection,
            target_metadata=METADATA,
            transaction_per_migration=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.rollback()
        dictionary.write_comments(connection, METADATA)


run()
