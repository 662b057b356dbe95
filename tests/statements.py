"""Counting SQL, and asking PostgreSQL how it would do it: the cost of a call in statements is asserted."""

import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

import psycopg
from sqlalchemy import event
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
            text = query.decode() if isinstance(query, bytes) else str(query)
            if not text.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
                statements.append(text)
            return send(sender, query, *args, **kwargs)

        return note

    # The two ways to the database: through SQLAlchemy, and as they are.
    by_cursor = patch.object(psycopg.Cursor, "execute", noting(psycopg.Cursor.execute))
    with by_cursor, patch.object(Statements, "rows", noting(Statements.rows)):
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
    connection = session.connection()
    sent: list[tuple[str, Any]] = []

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().startswith(_PLANNED):
            sent.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", keep)
    run()
    event.remove(connection, "before_cursor_execute", keep)
    assert sent
    for way in without:
        connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
    wanted = sent[:1] if first else sent
    lines = [row[0] for one, given in wanted for row in connection.exec_driver_sql(f"EXPLAIN {one}", given)]
    return "\n".join(lines)
