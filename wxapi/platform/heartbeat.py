"""Signs of life of a process that has nothing to do most of the time: without one, a quiet night looks like its end."""

from datetime import datetime

from prometheus_client import Gauge
from sqlalchemy import DateTime, Text, func, select
from sqlalchemy.orm import Mapped, mapped_column

from wxapi.platform.conditions import Condition
from wxapi.platform.db import Base, db

SCHEDULE = "schedule"
EVERY_S = 10.0
# Several missed ones: a restart, or a lock that was waited for, is over by then.
_LIMIT_S = 60
# Of a process of which nobody knows since when it is silent.
UNKNOWN_S = 86_400
# By the database's own clock, whatever the product's says.
BEAT = "INSERT INTO heartbeats (name, at) VALUES (%(name)s, now()) ON CONFLICT (name) DO UPDATE SET at = excluded.at"
_silent = Gauge(
    "wxapi_schedule_silent_seconds",
    "Seconds for which no scheduler has been at work, 0 below a minute",
    multiprocess_mode="mostrecent",
)


class Heartbeat(Base):
    """When a kind of process last said that it is at work."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


def schedule_silent(_now: datetime) -> int:
    """For how many seconds no scheduler has said anything; 0 while one does.

    One of the future is as old as it is far: a clock was put back, and a living process would have said it again.
    """
    age = db.session.scalar(
        select(func.abs(func.extract("epoch", func.now() - Heartbeat.at))).where(Heartbeat.name == SCHEDULE)
    )
    seconds = UNKNOWN_S if age is None else int(age)
    return seconds if seconds > _LIMIT_S else 0


CONDITIONS = (Condition("schedule_silent", _silent, schedule_silent),)
