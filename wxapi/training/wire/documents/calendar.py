"""A session as a calendar file (RFC 5545)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from icalendar import Alarm, Calendar
from icalendar import Event as CalendarEntry

from wxapi.training.models import TrainingSession
from wxapi.training.rules.sessions import SessionState


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
    calendar = Calendar()
    calendar.add("prodid", "-//Grid Woodpeckers//Training//ZH")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add_component(_entry(event))
    return bytes(calendar.to_ical())


def _entry(event: Event) -> CalendarEntry:
    entry = CalendarEntry()
    entry.add("uid", event.uid)
    for name, at in (("dtstamp", event.stamp), ("dtstart", event.starts_at), ("dtend", event.ends_at)):
        entry.add(name, at.astimezone(UTC))
    entry.add("sequence", event.sequence)
    entry.add("summary", event.title)
    entry.add("location", event.place)
    entry.add("status", "CANCELLED" if event.cancelled else "CONFIRMED")
    if event.longitude is not None and event.latitude is not None:
        entry.add("geo", (round(event.latitude, 6), round(event.longitude, 6)))
    if not event.cancelled:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", event.title)
        alarm.add("trigger", -timedelta(hours=1))
        entry.add_component(alarm)
    return entry
