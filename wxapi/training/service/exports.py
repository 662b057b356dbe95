"""Files of a session: the roll as a spreadsheet, the calendar entry, the poster."""

import tempfile
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import SHANGHAI
from wxapi.kernel.errors import not_found
from wxapi.platform import audit
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.training.documents import calendar, qr, roll_sheet
from wxapi.training.models import TrainingSession
from wxapi.training.queries import roll as queries
from wxapi.training.queries.sessions import session_for
from wxapi.training.rules.sessions import SessionState
from wxapi.training.service.access import ORGANISE, managed


def roll_xlsx(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> Path:
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
            count = roll_sheet.write(path, title, _sheet_rows(session_id))
            audit.record(
                session, actor.user_id, "training.export", subject=f"training:{session_id}", at=now, rows=count
            )
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def calendar_file(actor: Actor, session_id: uuid.UUID) -> bytes:
    """The session as a calendar entry.

    Raises:
        NotFoundError: not there, or another organiser's draft.
    """
    row = _visible(actor, session_id)
    return calendar.render(
        calendar.Event(
            uid=f"{row.id}@training",
            title=row.title,
            place=row.place,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            stamp=row.updated_at,
            sequence=row.version,
            cancelled=row.state == SessionState.CANCELLED,
            longitude=row.longitude,
            latitude=row.latitude,
        )
    )


def poster_svg(actor: Actor, session_id: uuid.UUID) -> str:
    """A poster to print and hang out: it leads to the session, and never holds a sign-in code.

    Raises:
        NotFoundError: not there, or another organiser's draft.
    """
    row = _visible(actor, session_id)
    begin, end = row.starts_at.astimezone(SHANGHAI), row.ends_at.astimezone(SHANGHAI)
    lines = [f"时间:{begin:%Y-%m-%d %H:%M}–{end:%H:%M}", f"地点:{row.place}", "微信扫码报名"]
    return qr.poster_svg(_address(row.id), row.title, lines)


def poster_png(actor: Actor, session_id: uuid.UUID) -> bytes:
    """The poster's QR picture alone.

    Raises:
        NotFoundError: not there, or another organiser's draft.
    """
    return qr.poster_png(_address(_visible(actor, session_id).id))


def _visible(actor: Actor, session_id: uuid.UUID) -> TrainingSession:
    row = session_for(db.session(), actor, session_id)
    if row is None:
        raise not_found()
    return row


def _address(session_id: uuid.UUID) -> str:
    return f"{runtime().config.public_url}/api/v1/training/sessions/{session_id}"


def _sheet_rows(session_id: uuid.UUID) -> Iterator[roll_sheet.SheetRow]:
    for row, name, reason in queries.roll_stream(db.session(), session_id):
        yield roll_sheet.SheetRow(
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
