"""The API's reference as a page."""

from flask import Response, request

from wxapi.kernel.permissions import Permission
from wxapi.platform import openapi
from wxapi.platform.guard import guard
from wxapi.web.kit.render import page
from wxapi.web.login.blueprint import room
from wxapi.web.login.reference import sections_of

_LONGEST_SEARCH = 100


@room.get("/docs")
@guard(Permission.PUBLIC)
def show_docs() -> Response:
    """All calls, or those that match `?q=`."""
    wanted = request.args.get("q", "")[:_LONGEST_SEARCH]
    return page("login/docs.html", sections=sections_of(openapi.document(), wanted), wanted=wanted)
