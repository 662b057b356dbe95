"""The routes of training, all on one blueprint."""

from wxapi.training.views import certificates, enrolments, files, learners, reviews, rolls, sessions, sign_ins
from wxapi.training.views.routes import blueprint

__all__ = ["blueprint", "certificates", "enrolments", "files", "learners", "reviews", "rolls", "sessions", "sign_ins"]
