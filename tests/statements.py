"""Counting SQL: the cost of a call in statements is asserted."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

import psycopg


@contextmanager
def count_statements() -> Iterator[list[str]]:
    """Collect every statement the driver is given inside the block, savepoints of the test harness left out."""
    statements: list[str] = []
    execute = psycopg.Cursor.execute

    @wraps(execute)
    def note(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else str(query)
        if not text.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            statements.append(text)
        return execute(cursor, query, *args, **kwargs)

    with patch.object(psycopg.Cursor, "execute", note):
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
