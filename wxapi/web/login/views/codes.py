"""Where printed codes lead whose reader does not know the mini program: no login, and nothing but what stands there."""

import uuid

from flask import Response

from wxapi.kernel.errors import NotFoundError, not_found
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import guard
from wxapi.platform.limits import limited
from wxapi.platform.runtime import runtime
from wxapi.training.services.announce import read_announcement
from wxapi.training.services.certify import verify
from wxapi.web.kit.render import page
from wxapi.web.login.blueprint import room


@room.get("/t/<string:session_id>")
@guard(Permission.PUBLIC)
def explain_session(session_id: str) -> Response:
    """A training session: what, when, where, and the way in."""
    try:
        wanted = uuid.UUID(session_id)
    except ValueError:
        raise not_found() from None
    announced = read_announcement(wanted, now=runtime().clock.now())
    return page("login/session.html", session=announced, session_id=wanted)


@room.get("/c/<string:code>")
@guard(Permission.PUBLIC)
@limited("60/minute")
def explain_certificate(code: str) -> Response:
    """Whether a certificate holds, and what it says: name, title, date, hours."""
    try:
        found = verify(code)
    except NotFoundError:
        return page("login/certificate.html", status=404, found=None)
    return page("login/certificate.html", found=found)
