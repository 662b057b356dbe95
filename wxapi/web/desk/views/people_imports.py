"""导入名单: send a file, see it checked with its faults by row, and have it written."""

import uuid
from typing import Any
from urllib.parse import quote

from flask import Response, request

from wxapi.identity.services import roster_imports
from wxapi.identity.services.roster_files import MAX_BYTES
from wxapi.identity.wire import roster_sheet
from wxapi.kernel.errors import DomainError
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.retention import days_kept
from wxapi.platform.runtime import runtime
from wxapi.web.desk import people_frame
from wxapi.web.desk.blueprint import room
from wxapi.web.desk.people_frame import people_page
from wxapi.web.kit.render import fragment, see

_NAME = quote("人员名单.xlsx", safe="")


@room.get("/desk/people/imports")
@guard(Permission.APPOINT)
def show_imports() -> Response:
    """The form, and the lists one has sent."""
    return _imports()


@room.post("/desk/people/imports")
@guard(Permission.APPOINT)
@limited("30/hour")
def send_list() -> Response:
    """Send a list to be checked; it is written from its own page."""
    sent = request.files.get("file")
    # One byte more than is taken tells "too large" without reading on.
    data = sent.read(MAX_BYTES + 1) if sent else b""
    try:
        row = roster_imports.ask(current_actor(), data, dry_run=True, now=runtime().clock.now())
    except DomainError as error:
        return _imports(error=error)
    return see(f"/desk/people/imports/{row.id}")


@room.get("/desk/people/imports/<uuid:import_id>")
@guard(Permission.APPOINT)
def show_import(import_id: uuid.UUID) -> Response:
    """One list: how far it is, what is wrong with it, and the button that writes it."""
    return people_page("desk/people_import.html", **_one(import_id))


@room.get("/desk/people/imports/<uuid:import_id>/state")
@guard(Permission.APPOINT)
def refresh_import(import_id: uuid.UUID) -> Response:
    """What changes while it is worked on."""
    return fragment("desk/people_import_state.html", **_one(import_id))


@room.post("/desk/people/imports/<uuid:import_id>/apply")
@guard(Permission.APPOINT)
def apply_import(import_id: uuid.UUID) -> Response:
    """Write what was checked."""
    roster_imports.apply(current_actor(), import_id, now=runtime().clock.now())
    return see(f"/desk/people/imports/{import_id}")


@room.post("/desk/people/imports/<uuid:import_id>/cancel")
@guard(Permission.APPOINT)
def cancel_import(import_id: uuid.UUID) -> Response:
    """Take it back."""
    roster_imports.cancel(current_actor(), import_id, now=runtime().clock.now())
    return see("/desk/people/imports")


@room.get("/desk/people/imports/template.xlsx")
@guard(Permission.APPOINT)
def blank_list() -> Response:
    """An empty list to be filled in, with how to fill it in beside it."""
    response = Response(
        roster_sheet.blank(),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    response.headers["Content-Disposition"] = f"attachment; filename=\"people.xlsx\"; filename*=UTF-8''{_NAME}"
    return response


def _one(import_id: uuid.UUID) -> dict[str, Any]:
    row = roster_imports.read_import(current_actor(), import_id)
    return {"row": row, "shown_faults": roster_imports.SHOWN_FAULTS}


def _imports(*, error: DomainError | None = None) -> Response:
    return people_page(
        "desk/people_imports.html",
        error=error,
        rows=roster_imports.list_imports(current_actor()),
        roles=people_frame.roles(),
        kept_days=days_kept("people_imports"),
    )
