"""What follows from what: one table, topic → jobs.

A service writes `outbox.record(session, "report.filed", report_id=…)`; the relay looks the topic up here and hands
each of its jobs to a worker of the job's queue. A topic that is not here is logged as an error and tried again like a
failing job, since a relay of the release before may be the one that reads it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from workers.job import Job, Queue
from workers.timetable import TASKS
from wxapi.duties.services import tell as tell_duties
from wxapi.identity.services import erasure, roster_imports
from wxapi.moderation.rules.verdicts import Verdict
from wxapi.moderation.services import check as moderation
from wxapi.notifications.services import browsers, deliver, offices, pushes
from wxapi.photos.services import develop, forget
from wxapi.reports.services import moderate, notify, route
from wxapi.supervision.services import export_making, exports
from wxapi.training.services import session_end, tell

Topics = Mapping[str, tuple[Job, ...]]


def _asks_wechat(function: Callable[..., object], *ids: str, label: str = "") -> Job:
    """WeChat may take its time: token, call and one repeat, 11 s each."""
    return Job(function, ids, queue=Queue.OUTGOING, limit_s=40, lease_s=50, label=label)


def _tells(function: Callable[..., object], *ids: str, values: tuple[str, ...] = (), label: str = "") -> Job:
    """Writes messages and what sends them, in one transaction."""
    return Job(function, ids, values, label=label, whole=True)


def _take_verdict(trace_id: str, suggest: str | None, label: int | None, errcode: int, *, now: datetime) -> None:
    moderation.take_verdict(trace_id, Verdict(suggest, label, errcode), now=now)


_VERDICT = ("trace_id", "suggest", "label", "errcode")
_BEGIN_CHECKS = Job(moderate.begin_checks, ("report_id",), whole=True)

# Keep in the order of the floors, then by topic.
TOPICS: Topics = {
    "user.erase": (Job(erasure.erase, ("user_id",), label="erase_person"),),
    "appointment.changed": (_tells(offices.tell_of_office, "appointment_id", values=("step",)),),
    "people.import_asked": (
        Job(roster_imports.run, ("import_id",), queue=Queue.EXPORTS, limit_s=120, lease_s=150, label="import_people"),
    ),
    "people.imported": (_tells(offices.tell_of_import, "import_id"),),
    "web_session.opened": (_tells(browsers.tell_of_browser, "session_id"),),
    "message.due": (_asks_wechat(deliver.deliver, "message_id", label="deliver_message"),),
    "photo.dropped": (Job(forget.remove_files, ("photo_id",), label="remove_photo"),),
    "photo.uploaded": (
        Job(develop.develop, ("photo_id",), queue=Queue.PHOTOS, limit_s=40, lease_s=50, label="develop_photo"),
    ),
    "wechat.pushed": (Job(pushes.work_on, values=("push_id",), label="work_on_push", whole=True),),
    "moderation.picture": (_asks_wechat(moderation.ask_about_picture, "check_id", label="check_picture"),),
    "moderation.text": (_asks_wechat(moderate.check_text, "check_id"),),
    "wechat.media_checked": (Job(_take_verdict, values=_VERDICT, label="take_verdict", whole=True),),
    "report.changed": (_tells(notify.tell_of_step, "report_id", values=("event_id",)),),
    "report.filed": (Job(route.route_report, ("report_id",), queue=Queue.ROUTING, whole=True), _BEGIN_CHECKS),
    "report.photos_added": (_BEGIN_CHECKS,),
    "duty.appealed": (_tells(tell_duties.tell_of_appeal, "duty_id", values=("decision",)),),
    "duty.climbed": (_tells(tell_duties.tell_of_rung, "duty_id", values=("rung",)),),
    # A million rows take a minute or two; a job that dies is done again from the start.
    "export.asked": (
        Job(export_making.make, ("export_id",), queue=Queue.EXPORTS, limit_s=900, lease_s=930, label="make_export"),
    ),
    "export.dropped": (Job(exports.remove_file, values=("file_key",), label="remove_export_file"),),
    "training.cancelled": (_tells(tell.tell_of_cancellation, "session_id"),),
    "training.certificate_issued": (_tells(tell.tell_of_certificate, "certificate_id"),),
    "training.close": (Job(session_end.close, ("session_id",), label="close_session"),),
    "training.leave_decided": (_tells(tell.tell_of_leave, "leave_request_id"),),
    "training.moved": (_tells(tell.tell_of_change, "session_id"),),
    "training.reminder": (_tells(tell.remind, "session_id", values=("kind", "starts_at"), label="send_reminders"),),
    "training.seat_given": (_tells(tell.tell_of_seat, "session_id", "user_id"),),
    "training.settle": (Job(session_end.at_the_end, ("session_id",), label="end_session"),),
    **{task.topic: (task.job,) for task in TASKS},
}


def job_of(topics: Topics, topic: str, name: str | None) -> Job | None:
    """The job of a topic by its name; None when this release has none.

    A topic of one job has that, whatever another release called it.
    """
    jobs = topics.get(topic, ())
    if len(jobs) == 1:
        return jobs[0]
    return next((job for job in jobs if job.name == name), None)


def whole_names(topics: Topics) -> frozenset[str]:
    """Names of the jobs that are one transaction with their row: a worker must know it before it reads the row."""
    jobs = [job for several in topics.values() for job in several]
    return frozenset(job.name for job in jobs if job.whole) - {job.name for job in jobs if not job.whole}
