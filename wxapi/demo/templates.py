"""Subscribe-message templates of the demo city, as an operator would choose them in WeChat's console."""

from collections.abc import Iterator

from wxapi.notifications.models import Template
from wxapi.reports.rules.messages import DESK_TASK, REPORT_CARD, REPORT_CONFIRM, REPORT_PROGRESS
from wxapi.training.rules.messages import CERTIFICATE_READY, TRAINING_NEWS, TRAINING_REMINDER, TRAINING_SEAT

_REPORT = {"character_string1": "number", "thing2": "what", "phrase3": "state", "thing4": "note", "time5": "at"}
_TASK = {"character_string1": "number", "thing2": "what", "thing3": "place", "phrase4": "state", "thing5": "note"}
_CERTIFICATE = {"thing1": "what", "phrase2": "state", "time3": "at"}
_SESSION = {"thing1": "what", "time2": "at", "thing3": "place", "phrase4": "state"}

# Kind → the template's fields, and the page a tap opens.
_CHOSEN = {
    REPORT_PROGRESS: (_REPORT, "pages/report/report?id={id}"),
    REPORT_CONFIRM: (_REPORT, "pages/report/confirm?id={id}"),
    DESK_TASK: (_TASK, "pages/desk/report?id={id}"),
    REPORT_CARD: (_TASK, "pages/desk/report?id={id}"),
    TRAINING_REMINDER: (_SESSION, "pages/training/session?id={id}"),
    TRAINING_SEAT: (_SESSION, "pages/training/session?id={id}"),
    TRAINING_NEWS: (_SESSION, "pages/training/session?id={id}"),
    CERTIFICATE_READY: (_CERTIFICATE, "pages/training/certificate?id={id}"),
}


def templates() -> Iterator[Template]:
    """One template for each kind the demo sends."""
    for kind, (fields, page) in _CHOSEN.items():
        yield Template(kind=kind.code, template_id=f"demo-{kind.code}", fields=fields, page=page, long_term=False)
