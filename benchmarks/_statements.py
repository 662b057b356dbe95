"""What a call sends to the database, with its parameters by name: its bare SQL is the limit beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, Engine, event

from wxapi.platform import engine
from wxapi.platform.driver import rows_of


@contextmanager
def sent(bind: Engine | Connection) -> Iterator[list[tuple[str, Any]]]:
    """Collect every (statement, parameters) inside the block: by SQLAlchemy on `bind`, or ready by `platform.db`."""
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        found.append((statement, parameters))

    def note_ready(pooled: Any, driver: Any, sql: str, values: Any, *, alone: bool = False) -> list[tuple[Any, ...]]:
        found.append((sql, values))
        return rows_of(pooled, driver, sql, values, alone=alone)

    event.listen(bind, "before_cursor_execute", note)
    try:
        with patch.object(engine, "rows_of", note_ready):
            yield found
    finally:
        event.remove(bind, "before_cursor_execute", note)
