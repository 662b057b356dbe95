"""What is done by the clock: one table. Times of day are Asia/Shanghai.

Each run is an outbox row of topic `schedule.<name>`, so that it has the retries, logs and metrics of any other job.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Protocol

from workers import housekeeping
from workers.job import Job
from wxapi.duties.services import climb
from wxapi.identity.services import retention as identity_retention
from wxapi.identity.services import roster
from wxapi.kernel.clock import SHANGHAI
from wxapi.moderation.services import check as moderation
from wxapi.photos.services import forget, strays
from wxapi.regions.services import changing
from wxapi.reports.services import duty_checks, route, timers
from wxapi.supervision.services import exports, keeping
from wxapi.training.services import session_end

_EPOCH = datetime(2020, 1, 1, tzinfo=SHANGHAI)


class Rhythm(Protocol):
    """When something is to be done."""

    def after(self, at: datetime) -> datetime:
        """The first time later than `at`."""
        ...


class Every:
    """Once a period, at its full multiples: every 10 minutes is at :00, :10, :20 and so on."""

    def __init__(self, *, hours: int = 0, minutes: int = 0, seconds: int = 0) -> None:
        self.period = timedelta(hours=hours, minutes=minutes, seconds=seconds)

    def after(self, at: datetime) -> datetime:
        return _EPOCH + ((at - _EPOCH) // self.period + 1) * self.period


class Daily:
    """Once a day."""

    def __init__(self, *, hour: int, minute: int = 0) -> None:
        self.time = time(hour, minute)

    def after(self, at: datetime) -> datetime:
        local = at.astimezone(SHANGHAI)
        today = datetime.combine(local.date(), self.time, SHANGHAI)
        return today if today > local else today + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of housekeeping: idempotent, no arguments but the time, in batches that fit into `limit_s` seconds.

    Args:
        name: unique; the topic is `schedule.<name>`.
        when: its rhythm.
        function: called with `now=` if it takes that.
        limit_s: seconds after which it is interrupted and counts as failed.
        batch: of a sweep that does at most so many a call and says how many.
    """

    name: str
    when: Rhythm
    function: Callable[..., object]
    limit_s: int = 20
    batch: int | None = None

    @property
    def topic(self) -> str:
        """Its outbox topic."""
        return f"schedule.{self.name}"

    @property
    def job(self) -> Job:
        """What is done when it is due."""
        return Job(self.function, limit_s=self.limit_s, lease_s=self.limit_s + 10, label=self.name, batch=self.batch)


TASKS: tuple[Task, ...] = (
    Task("reports.route_unrouted", Every(minutes=5), route.route_unrouted, limit_s=60),
    Task("reports.remind", Every(minutes=1), timers.remind),
    Task("reports.mark_overdue", Every(minutes=1), timers.mark_overdue),
    Task("reports.close_silent", Every(minutes=10), timers.close_silent),
    Task("reports.resume_holds", Every(minutes=10), timers.resume_holds),
    Task("regions.settle", Every(minutes=1), changing.settle, limit_s=60),
    Task("people.match_waiting", Every(minutes=5), roster.match_waiting),
    Task("people.forget_files", Every(hours=1), identity_retention.forget_files),
    Task("duties.climb", Every(minutes=1), climb.climb, limit_s=60),
    Task("exports.expire", Every(hours=1), exports.expire),
    Task("duties.heal", Every(minutes=10), duty_checks.heal, limit_s=60),
    Task("figures.keep", Every(minutes=5), keeping.keep_months, limit_s=120),
    Task("training.close_due", Every(hours=1), session_end.close_due),
    Task("moderation.chase_missing", Every(minutes=5), moderation.chase_missing, batch=moderation.SWEEP_BATCH),
    Task("photos.sweep_unused", Every(hours=1), forget.sweep_unused, batch=forget.SWEEP_BATCH),
    Task("photos.heal_pending", Every(hours=1), strays.heal_pending, limit_s=60),
    Task("photos.sweep_files", Daily(hour=3, minute=50), strays.sweep_files, limit_s=300),
    Task("audit.seal", Every(minutes=1), housekeeping.seal_audit),
    Task("idempotency.forget_expired", Every(hours=1), housekeeping.forget_expired_keys, batch=housekeeping.BATCH),
    Task("web.forget_browsers", Every(hours=1), housekeeping.forget_browsers, batch=housekeeping.BATCH),
    Task("retention.forget_due", Every(hours=1), housekeeping.forget_due, limit_s=120),
    Task("tokens.forget_idle", Daily(hour=3, minute=20), housekeeping.forget_idle_tokens, batch=housekeeping.BATCH),
)
