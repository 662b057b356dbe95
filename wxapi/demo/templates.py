"""Subscribe-message templates of the demo city, as an operator would choose them in WeChat's console."""

from collections.abc import Iterator

from wxapi.notifications.models import Template
from wxapi.notifications.rules import Kind

_REPORT = {"character_string1": "number", "thing2": "what", "phrase3": "state", "thing4": "note", "time5": "at"}
_TASK = {"character_string1": "number", "thing2": "what", "thing3": "place", "phrase4": "state", "thing5": "note"}
_CERTIFICATE = {"thing1": "what", "phrase2": "state", "time3": "at"}
_SESSION = {"thing1": "what", "time2": "at", "thing3": "place", "phrase4": "state"}

# Kind → the template's fields, and the page a tap opens.
_CHOSEN = {
    Kind.REPORT_PROGRESS: (_REPORT, "pages/report/report?id={id}"),
    Kind.REPORT_CONFIRM: (_REPORT, "pages/report/confirm?id={id}"),
    Kind.DESK_TASK: (_TASK, "pages/desk/report?id={id}"),
    Kind.REPORT_CARD: (_TASK, "pages/desk/report?id={id}"),
    Kind.TRAINING_REMINDER: (_SESSION, "pages/training/session?id={id}"),
    Kind.TRAINING_SEAT: (_SESSION, "pages/training/session?id={id}"),
    Kind.TRAINING_NEWS: (_SESSION, "pages/training/session?id={id}"),
    Kind.CERTIFICATE_READY: (_CERTIFICATE, "pages/training/certificate?id={id}"),
}


def templates() -> Iterator[Template]:
    """One template for each kind the demo sends."""
    for kind, (fields, page) in _CHOSEN.items():
        yield Template(kind=kind, template_id=f"demo-{kind}", fields=fields, page=page, long_term=False)
