"""What follows from what: one table, topic → jobs.

A service writes `outbox.record(session, "report.filed", report_id=…)`; the relay looks the topic up here and hands
each of its jobs to a worker of the job's queue. A topic that is not here is logged as an error and tried again like a
failing job, since a relay of the release before may be the one that reads it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from workers.jobs import identity, moderation, notifications, photos, reports, training
from workers.timetable import TASKS


class Queue(StrEnum):
    """A worker process serves one queue: with two, RQ loses a job whose worker dies between taking and starting it."""

    LIGHT = "light"
    # Waits for WeChat, which may be slow for minutes: reports are not routed behind it.
    OUTGOING = "outgoing"
    PHOTOS = "photos"


@dataclass(frozen=True, slots=True)
class Job:
    """A function of `workers.jobs` and how it is run. It may run twice and must be harmless the second time.

    Args:
        run: called with the payload as keyword arguments, inside an app context.
        queue: `PHOTOS` forks a process for each job, the others do not.
        limit_s: seconds after which the job is interrupted and counts as failed.
        lease_s: seconds after which a job that has not reported back is given to another worker, whatever became of
            the first one. Longer than `limit_s`, so that a live job is not doubled.
    """

    run: Callable[..., object]
    queue: Queue = Queue.LIGHT
    limit_s: int = 20
    lease_s: int = 30

    def __post_init__(self) -> None:
        if not 0 < self.limit_s < self.lease_s:
            raise ValueError(f"{self.name}: the time limit must be shorter than the lease.")

    @property
    def name(self) -> str:
        """What logs, metrics and outbox rows call it; unique within a topic."""
        return self.run.__name__


Topics = Mapping[str, tuple[Job, ...]]

# Keep in the order of the floors, then by topic.
TOPICS: Topics = {
    "user.erase": (Job(identity.erase_person),),
    "web_session.opened": (Job(identity.tell_of_browser),),
    # WeChat may take its time: token, call and one repeat, 11 s each.
    "message.due": (Job(notifications.deliver_message, Queue.OUTGOING, limit_s=40, lease_s=50),),
    "photo.dropped": (Job(photos.remove_photo),),
    "photo.uploaded": (Job(photos.develop_photo, Queue.PHOTOS, limit_s=40, lease_s=50),),
    "wechat.pushed": (Job(notifications.work_on_push),),
    "moderation.picture": (Job(moderation.check_picture, Queue.OUTGOING, limit_s=40, lease_s=50),),
    "moderation.text": (Job(moderation.check_text, Queue.OUTGOING, limit_s=40, lease_s=50),),
    "wechat.media_checked": (Job(moderation.take_verdict),),
    "report.changed": (Job(reports.tell_of_step),),
    "report.filed": (Job(reports.route_report), Job(moderation.begin_checks)),
    "report.photos_added": (Job(moderation.begin_checks),),
    "training.cancelled": (Job(training.tell_of_cancellation),),
    "training.certificate_issued": (Job(training.tell_of_certificate),),
    "training.close": (Job(training.close_session),),
    "training.leave_decided": (Job(training.tell_of_leave),),
    "training.reminder": (Job(training.send_reminders),),
    "training.seat_given": (Job(training.tell_of_seat),),
    "training.settle": (Job(training.end_session),),
    **{task.topic: (Job(task.run, limit_s=task.limit_s, lease_s=task.limit_s + 10),) for task in TASKS},
}


def job_of(topics: Topics, topic: str, name: str | None) -> Job | None:
    """The job of a topic by its name; None when this release has none."""
    return next((job for job in topics.get(topic, ()) if job.name == name), None)
