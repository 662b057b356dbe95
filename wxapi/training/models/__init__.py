"""Tables of training."""

from wxapi.training.models.ledger import Certificate, HourEntry
from wxapi.training.models.roll import Attendance, AttendanceEvent, Flag, LeaveRequest, Refusal
from wxapi.training.models.sessions import Enrolment, Series, SeriesEnrolment, TrainingSession

__all__ = [
    "Attendance",
    "AttendanceEvent",
    "Certificate",
    "Enrolment",
    "Flag",
    "HourEntry",
    "LeaveRequest",
    "Refusal",
    "Series",
    "SeriesEnrolment",
    "TrainingSession",
]
