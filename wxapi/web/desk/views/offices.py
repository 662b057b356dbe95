"""任职: who holds which office; appoint, end, move, and have somebody stand in (代理)."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Response, request

from wxapi.identity.services import appointments, office_changes, office_reading, roster_reading, sessions
from wxapi.identity.services.appointments import NewAppointment
from wxapi.identity.services.office_changes import StandIn
from wxapi.identity.services.office_reading import Appointed
from wxapi.identity.services.roster_places import place_of
from wxapi.identity.services.roster_reading import Sought
from wxapi.identity.wire.offices import AppointmentQuery, EndBody, MoveBody, NewAppointmentBody, StandInBody
from wxapi.identity.wire.people import PeopleQuery
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import DomainError, NotFoundError
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.runtime import runtime
from wxapi.regions.rules.levels import region_of
from wxapi.regions.services.lookup import tree
from wxapi.web.desk import people_frame
from wxapi.web.desk.blueprint import room
from wxapi.web.desk.people_frame import people_page, placed, refuse_missing, refuse_no_place
from wxapi.web.kit import forms
from wxapi.web.kit.render import see

_ROWS = 50
_FOUND = 20
_GONE = "该任职已结束或已变更，或您无权查看，未作改动。请在下面的列表中核对。"


@room.get("/desk/people/offices")
@guard(Permission.APPOINT)
def show_offices() -> Response:
    """Who holds which office today, or will."""
    return _offices()


def _offices(error: DomainError | None = None) -> Response:
    given = {name: value for name, value in request.args.items() if value and name in {"region", "when", "cursor"}}
    query = forms.load(AppointmentQuery, given)
    found = office_reading.list_appointments(
        current_actor(),
        query["region"],
        coming=query["when"] == "coming",
        limit=_ROWS,
        cursor=query["cursor"],
        now=runtime().clock.now(),
    )
    return people_page(
        "desk/offices.html",
        error=error,
        offices=found.items,
        next_cursor=found.next_cursor,
        given=given,
        regions=people_frame.regions(given.get("region")),
    )


@room.get("/desk/people/offices/<uuid:appointment_id>")
@guard(Permission.APPOINT)
def show_office(appointment_id: uuid.UUID) -> Response:
    """One office, with all that may become of it. `q` looks for somebody who stands in."""
    return _office(appointment_id)


@room.post("/desk/people/offices/<uuid:appointment_id>/end")
@guard(Permission.APPOINT)
def end_office(appointment_id: uuid.UUID) -> Response:
    """End it, at once or with a day."""
    values = forms.filled("last_day", "at_once")

    def end(actor: Actor, now: datetime) -> None:
        if "at_once" in values:
            appointments.end_appointment(actor, appointment_id, now=now)
            return
        refuse_missing(values, {"last_day": "任职的最后一天"})
        office_changes.end_on(actor, appointment_id, forms.load(EndBody, values)["last_day"], now=now)

    return _change(appointment_id, end, values)


@room.post("/desk/people/offices/<uuid:appointment_id>/move")
@guard(Permission.APPOINT)
def move_office(appointment_id: uuid.UUID) -> Response:
    """Move its holder elsewhere."""
    values = forms.filled("region_code", "on")

    def move(actor: Actor, now: datetime) -> None:
        refuse_missing(values, {"region_code": "调往的区域"})
        code = place_of(values["region_code"], tree()) or values["region_code"]
        body = forms.load(MoveBody, {**values, "region_code": code})
        office_changes.move(actor, appointment_id, body["region_code"], None, body["on"], now=now)

    return _change(appointment_id, move, values)


@room.post("/desk/people/offices/<uuid:appointment_id>/stand-in")
@guard(Permission.APPOINT)
def stand_in(appointment_id: uuid.UUID) -> Response:
    """Have somebody stand in."""
    values = forms.filled("user_id", "from", "to")

    def begin(actor: Actor, now: datetime) -> None:
        refuse_missing(values, {"user_id": "代理人", "from": "起始日期", "to": "截止日期"})
        body = forms.load(StandInBody, values)
        wanted = StandIn(body["user_id"], body["from_"], body["to"])
        office_changes.stand_in(actor, appointment_id, wanted, now=now)

    return _change(appointment_id, begin, values)


@room.post("/desk/people/offices/<uuid:appointment_id>/sign-out")
@guard(Permission.APPOINT)
def sign_out_holder(appointment_id: uuid.UUID) -> Response:
    """Sign the holder out everywhere: a lost phone."""
    now = runtime().clock.now()
    held = office_reading.read_appointment(current_actor(), appointment_id, now=now)
    sessions.end_all_of(current_actor(), held.row.user_id, now=now)
    return see(f"/desk/people/offices/{appointment_id}?done=1")


@room.get("/desk/people/<uuid:person_id>/appoint")
@guard(Permission.APPOINT)
def show_appointing(person_id: uuid.UUID) -> Response:
    """The form for one more office of somebody who has come."""
    return _appointing(person_id, {})


@room.post("/desk/people/<uuid:person_id>/appoint")
@guard(Permission.APPOINT)
def appoint_person(person_id: uuid.UUID) -> Response:
    """Appoint them."""
    actor, now = current_actor(), runtime().clock.now()
    values = forms.filled("role", "region_code", "unit_code", "starts_on", "ends_on")
    person = roster_reading.read_person(actor, person_id, now=now)
    try:
        refuse_no_place(values)
        body = forms.load(NewAppointmentBody, {**values, **placed(values), "user_id": str(person.user_id)})
        body["region_code"] = body["region_code"] or region_of(body["unit_code"])
        made = appointments.appoint(actor, NewAppointment(**body), now=now)
    except DomainError as error:
        return _appointing(person_id, values, error=error)
    return see(f"/desk/people/offices/{made.row.id}?done=1")


def _appointing(person_id: uuid.UUID, values: dict[str, str], *, error: DomainError | None = None) -> Response:
    person = roster_reading.read_person(current_actor(), person_id, now=runtime().clock.now())
    return people_page(
        "desk/person_appoint.html",
        error=error,
        person=person,
        values=values,
        roles=people_frame.roles(),
    )


def _change(appointment_id: uuid.UUID, change: Callable[[Actor, datetime], None], values: dict[str, str]) -> Response:
    """Do it and go on to the list; a refusal shows the office again with what was typed.

    Of an office that is over, as one that a colleague has just moved, the list that stands now is shown. To end it at
    once is an order whatever its last day was.
    """
    actor, now = current_actor(), runtime().clock.now()
    try:
        if "at_once" not in values:
            forms.refuse_stale(_version(office_reading.read_appointment(actor, appointment_id, now=now)))
        change(actor, now)
    except DomainError as error:
        try:
            return _office(appointment_id, values, error=error)
        except NotFoundError as gone:
            return _offices(NotFoundError(gone.code, _GONE))
    return see("/desk/people/offices?done=1")


def _office(
    appointment_id: uuid.UUID, values: dict[str, str] | None = None, *, error: DomainError | None = None
) -> Response:
    actor, now = current_actor(), runtime().clock.now()
    held = office_reading.read_appointment(actor, appointment_id, now=now)
    return people_page(
        "desk/office.html",
        error=error,
        held=held,
        version=_version(held),
        values=values or {},
        found=_found(actor, held.row.user_id, now=now),
    )


def _version(held: Appointed) -> str:
    """What of an office colleagues may have changed while its page lay open: all else is another office."""
    return str(held.row.ends_on)


def _found(actor: Actor, holder: uuid.UUID, *, now: datetime) -> list[Any] | None:
    """People of the list who could stand in, by the words in the address; None where nobody was looked for."""
    words = request.args.get("q", "").strip()
    if not words:
        return None
    query = forms.load(PeopleQuery, {"q": words})
    people = roster_reading.search(actor, Sought(text=query["q"], waiting=False), limit=_FOUND, cursor=None, now=now)
    return [each for each in people.items if each.user_id != holder]
