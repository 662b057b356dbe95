"""The roll of a session as a file."""

import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import SHANGHAI
from wxapi.platform import audit
from wxapi.platform.db import db, transaction
from wxapi.training.queries import roll as queries
from wxapi.training.queries.managed import ORGANISE, managed


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One person's line, as stored."""

    name: str
    state: str
    walk_in: bool
    signed_in_at: datetime | None
    signed_out_at: datetime | None
    via: str | None
    late_upload: bool
    distance_m: int | None
    flags: tuple[str, ...]
    reason: str


# Writes the lines under a title to a path; returns how many there were.
Writer = Callable[[Path, str, Iterable[SheetRow]], int]


def roll_file(actor: Actor, session_id: uuid.UUID, write: Writer, *, now: datetime) -> Path:
    """Write the roll to a temporary file, which the caller deletes.

    Raises:
        NotFoundError: outside the scope.
    """
    with tempfile.NamedTemporaryFile(prefix="roll-", suffix=".xlsx", delete=False) as file:
        path = Path(file.name)
    try:
        with transaction() as session:
            row = managed(session, actor, session_id, ORGANISE)
            title = f"{row.title} {row.starts_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
            count = write(path, title, _sheet_rows(session_id))
            audit.record(
                session, actor.user_id, "training.export", subject=f"training:{session_id}", at=now, rows=count
            )
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _sheet_rows(session_id: uuid.UUID) -> Iterator[SheetRow]:
    for row, name, reason in queries.roll_stream(db.session(), session_id):
        yield SheetRow(
            name=name,
            state=row.state,
            walk_in=row.walk_in,
            signed_in_at=row.signed_in_at,
            signed_out_at=row.signed_out_at,
            via=row.via,
            late_upload=row.late_upload,
            distance_m=row.distance_m,
            flags=tuple(row.flags),
            reason=reason,
        )
