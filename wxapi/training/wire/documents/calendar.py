"""A session as a calendar file (RFC 5545)."""

from dataclasses import dataclass
from datetime import UTC, datetime

from wxapi.training.models import TrainingSession
from wxapi.training.rules.sessions import SessionState

# A content line longer than this many octets is folded, never inside a character.
_FOLD_OCTETS = 75


@dataclass(frozen=True, slots=True)
class Event:
    """What a calendar shows of a session. `sequence` grows with each change, so that calendars renew it."""

    uid: str
    title: str
    place: str
    starts_at: datetime
    ends_at: datetime
    stamp: datetime
    sequence: int
    cancelled: bool
    longitude: float | None = None
    latitude: float | None = None


def event_of(row: TrainingSession) -> Event:
    """A session as its calendar entry."""
    return Event(
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


def render(event: Event) -> bytes:
    """The calendar file in UTF-8 with CRLF ends, reminding an hour before."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Grid Woodpeckers//Training//ZH",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{event.uid}",
        f"DTSTAMP:{_utc(event.stamp)}",
        f"DTSTART:{_utc(event.starts_at)}",
        f"DTEND:{_utc(event.ends_at)}",
        f"SEQUENCE:{event.sequence}",
        f"SUMMARY:{_escape(event.title)}",
        f"LOCATION:{_escape(event.place)}",
        f"STATUS:{'CANCELLED' if event.cancelled else 'CONFIRMED'}",
    ]
    if event.longitude is not None and event.latitude is not None:
        lines.append(f"GEO:{event.latitude:.6f};{event.longitude:.6f}")
    if not event.cancelled:
        lines += ["BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{_escape(event.title)}"]
        lines += ["TRIGGER:-PT1H", "END:VALARM"]
    lines += ["END:VEVENT", "END:VCALENDAR"]
    return "".join(_fold(line) + "\r\n" for line in lines).encode()


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escape(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\\n"), ("\n", "\\n"), ("\r", "\\n")):
        text = text.replace(plain, escaped)
    return text


def _fold(line: str) -> str:
    pieces, piece, octets = [], "", 0
    for character in line:
        size = len(character.encode())
        if octets + size > _FOLD_OCTETS:
            pieces.append(piece)
            # The blank that marks a continuation counts.
            piece, octets = " ", 1
        piece += character
        octets += size
    return "\r\n".join([*pieces, piece])
