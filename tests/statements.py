"""Counting SQL, and asking PostgreSQL how it would do it: the cost of a call in statements is asserted."""

import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

import psycopg
from sqlalchemy.orm import Session

from wxapi.platform.prepared import Statements

_PLANNED = ("SELECT", "UPDATE", "DELETE", "WITH")


@contextmanager
def count_statements() -> Iterator[list[str]]:
    """Collect every statement the driver is given inside the block, savepoints of the test harness left out."""
    statements: list[str] = []

    def noting(send: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(send)
        def note(sender: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
            text = _text(query)
            if not text.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
                statements.append(text)
            return send(sender, query, *args, **kwargs)

        return note

    with _both_ways(noting(psycopg.Cursor.execute), noting(Statements.rows)):
        yield statements


@contextmanager
def bounded(*, statements: int, peak_bytes: int) -> Iterator[None]:
    """Hold a call to a number of statements, and to a peak of what Python takes for it."""
    tracemalloc.start()
    try:
        with count_statements() as counted:
            yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(counted) <= statements, len(counted)
    assert peak < peak_bytes, peak


def plans(
    session: Session,
    run: Callable[[], Any],
    without: Sequence[str] = ("seqscan", "bitmapscan"),
    *,
    first: bool = False,
) -> str:
    """How PostgreSQL would do what a call sends, as shipped in tables too large to be read whole.

    Args:
        without: the ways that are too dear there, as `enable_…` of PostgreSQL names them.
        first: of the first statement alone.
    """
    driver = session.connection().connection.driver_connection
    sent: list[tuple[type[psycopg.Cursor[Any]], str, Any]] = []

    def keeping(kind: type[psycopg.Cursor[Any]], send: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(send)
        def keep(sender: Any, query: Any, params: Any = None, **options: Any) -> Any:
            text = _text(query)
            if text.lstrip().startswith(_PLANNED):
                sent.append((kind, text, params))
            return send(sender, query, params, **options)

        return keep

    with _both_ways(keeping(psycopg.Cursor, psycopg.Cursor.execute), keeping(psycopg.RawCursor, Statements.rows)):
        run()
    assert sent
    for way in without:
        session.connection().exec_driver_sql(f"SET LOCAL enable_{way} = off")
    wanted = sent[:1] if first else sent
    return "\n".join(
        row[0] for kind, one, given in wanted for row in kind(driver).execute(f"EXPLAIN {one}".encode(), given)
    )


@contextmanager
def _both_ways(by_cursor: Callable[..., Any], as_they_are: Callable[..., Any]) -> Iterator[None]:
    """Put these in place of the two ways to the database: through SQLAlchemy, and past it."""
    with patch.object(psycopg.Cursor, "execute", by_cursor), patch.object(Statements, "rows", as_they_are):
        yield


def _text(query: Any) -> str:
    return query.decode() if isinstance(query, bytes) else str(query)
