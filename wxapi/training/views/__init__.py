"""The routes of training, all on one blueprint."""

from wxapi.training.views import certificates, codes, enrolments, files, learners, reviews, rolls, sessions, sign_ins
from wxapi.training.views.routes import blueprint

__all__ = [
    "blueprint",
    "certificates",
    "codes",
    "enrolments",
    "files",
    "learners",
    "reviews",
    "rolls",
    "sessions",
    "sign_ins",
]
