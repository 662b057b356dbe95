"""Alembic's entry: the database comes from DATABASE_URL or from the caller (`config.attributes["url"]`)."""

import os
from importlib import import_module
from pkgutil import iter_modules

from alembic import context
from sqlalchemy import create_engine, pool, text

import wxapi
from wxapi.platform.db import Base

for feature in iter_modules(wxapi.__path__):
    if feature.ispkg and any(m.name == "models" for m in iter_modules([f"{wxapi.__path__[0]}/{feature.name}"])):
        import_module(f"wxapi.{feature.name}.models")
for platform_module in ("audit", "audit_chain", "idempotency", "outbox"):
    import_module(f"wxapi.platform.{platform_module}")


def _url() -> str:
    given = context.config.attributes.get("url") or os.environ.get("DATABASE_URL")
    if not given:
        raise SystemExit("DATABASE_URL is not set; it wants postgresql://user:password@host/name.")
    return "postgresql+psycopg://" + str(given).partition("://")[2]


def run() -> None:
    """Run the migrations, each in a transaction, one process at a time, never waiting long for a lock."""
    engine = create_engine(_url(), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transaction_per_migration=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            # Two operators at once: the second waits, then finds nothing to do.
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('wxapi.migrations'))"))
            connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            context.run_migrations()


run()
