"""What a call sends to the database, as the driver gets it: its bare SQL is the limit beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event


@contextmanager
def sent(bind: Engine | Connection) -> Iterator[list[tuple[str, Any]]]:
    """Collect every (statement, parameters) that SQLAlchemy sends by `bind` inside the block."""
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        found.append((statement, parameters))

    event.listen(bind, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(bind, "before_cursor_execute", note)
