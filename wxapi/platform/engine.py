"""The database's engine, its session, and statements that go to the driver as they are; see `platform.db`."""

import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar, cast

import psycopg
import structlog
from flask import Flask
from flask.globals import _cv_app
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as BoundSession
from psycopg.types.json import set_json_loads
from sqlalchemy import Connection, MetaData, Select, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session, class_mapper
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.util import ScopedRegistry

from config import Config
from wxapi.kernel.json_text import from_database
from wxapi.platform import patience
from wxapi.platform.driver import Pool, Values, engine_options, rows_of, tell_spent

# Names that migrations can rely on.
_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]
log = structlog.get_logger(__name__)
set_json_loads(cast("Any", from_database))  # it gives bytes, though it would take text as well


class Base(DeclarativeBase):
    """Base of all models."""

    metadata = MetaData(naming_convention=_NAMING)


Model = TypeVar("Model", bound=Base)
# A session an app's context, which the variable names itself; Flask-SQLAlchemy asks a proxy for the context's number.
db = SQLAlchemy(disable_autonaming=True, session_options={"expire_on_commit": False, "scopefunc": _cv_app.get})
_make_session = db.session.registry.createfunc
# Of each thread, a session that holds nothing: to make one costs half of a small statement.
_spare = threading.local()


def _new_session() -> BoundSession:
    spare: BoundSession | None = vars(_spare).pop("session", None)
    return spare or _make_session()


db.session.registry.createfunc = _new_session


def init_app(app: Flask, config: Config) -> None:
    """Bind the database to the app."""
    app.config["SQLALCHEMY_DATABASE_URI"] = config.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(config.database_pool)
    db.init_app(app)
    with app.app_context():
        event.listen(db.engine, "do_connect", patience.connect)
        event.listen(db.engine, "handle_error", tell_spent)
    hooks = app.teardown_appcontext_funcs
    hooks[:] = [_end_session if hook == db._teardown_session else hook for hook in hooks]  # noqa: SLF001 - no setting


def _end_session(_error: BaseException | None) -> None:
    """Give the session's connection back; one that is lost just now costs nobody an answer that is ready."""
    session = _session_there()
    if session is None:
        return
    if not session.in_transaction():  # it holds no connection: forgetting it is all
        db.session.registry.clear()
        if not session.identity_map:  # nor any row
            session.info.clear()
            _spare.session = session
        return
    try:
        db.session.remove()
    except (SQLAlchemyError, psycopg.Error) as error:
        log.warning("session_end_failed", error=type(error).__name__)
        db.session.registry.clear()


def fetch(session: Session, sql: str, values: Values) -> list[tuple[Any, ...]]:
    """Run one ready statement of a hot path on the session's connection, in its transaction, and return its rows.

    It goes to the driver as it is (`%(name)s` parameters): compiling a statement and dressing its result takes
    SQLAlchemy as long as the driver takes to run it.
    """
    connection = session.connection().connection
    assert connection.driver_connection is not None
    return rows_of(connection, connection.driver_connection, sql, values)


def ready(statement: Select[*tuple[Any, ...]] | ReturningInsert[*tuple[Any, ...]]) -> tuple[str, dict[str, Any]]:
    """A statement's text for `fetch` and `fetch_alone`, and its values; those of named parameters are yet to be given.

    For a caller that keeps it: building and compiling costs more than running. A named parameter has None for its value
    here, since a statement with some that expand is not compiled without.
    """
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    return compiled.string.replace("%%", "%"), dict(compiled.params)


def loose(model: type[Model], values: Mapping[str, Any]) -> Model:
    """A row of a hot path that no session knows: it reads as one of the model does, and its columns are plain values.

    Watching a new instance, and each look at a column of one, costs more than the look.

    Args:
        model: its class.
        values: of all columns that anybody will look at; the others are None.
    """
    row: Model = _unwatched(model)()
    vars(row).update(values)
    return row


@lru_cache(maxsize=64)
def _unwatched(model: type[Model]) -> Callable[[], Model]:
    """The model's columns and properties, without what SQLAlchemy makes of its class."""
    columns = dict.fromkeys(column.key for column in class_mapper(model).column_attrs)
    properties = {name: value for name, value in vars(model).items() if isinstance(value, property)}
    return cast("Callable[[], Model]", type(f"Loose{model.__name__}", (), {**columns, **properties}))


def fetch_alone(sql: str, values: Values) -> list[tuple[Any, ...]]:
    """Run one statement that is a whole unit of work: committed by itself, without a BEGIN and a COMMIT around it.

    That saves two round trips and the session. Where the session has begun already, as under an `Idempotency-Key`,
    the statement joins its transaction; where the session is bound to one connection, as in tests, it commits there.
    """
    session, bind = _session_there(), db.engine
    if session is not None and session.in_transaction():
        return fetch(session, sql, values)
    if isinstance(bind, Connection):
        session = db.session()
        try:
            rows = fetch(session, sql, values)
        except BaseException:
            session.rollback()
            raise
        session.commit()
        return rows
    pool = cast("Pool", bind.pool)
    try:
        entry = pool.lend()
    except psycopg.Error as error:
        raise OperationalError(None, None, error) from error
    try:
        return rows_of(entry, entry.dbapi_connection, sql, values, alone=True)
    finally:
        pool.take_back(entry)


def _session_there() -> Session | None:
    """The session, if anybody has asked for it in this context."""
    registry = cast("ScopedRegistry[Session]", db.session.registry)
    return cast("Session | None", registry.registry.get(registry.scopefunc()))
