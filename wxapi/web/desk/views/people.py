"""人员: the city's list as an administrator keeps it, slips to print, and one's own colleagues."""

import uuid
from typing import Any

from flask import Response, request

from wxapi.identity.services import colleagues, invitations, office_reading, roster_reading, sessions
from wxapi.identity.services.roster_files import RosterRow
from wxapi.identity.services.roster_reading import Listed, Sought
from wxapi.identity.wire.people import NewPerson, PeopleQuery, SlipsBody
from wxapi.kernel.errors import DomainError, InvalidError, not_found
from wxapi.kernel.permissions import Permission
from wxapi.platform import idempotency
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.runtime import runtime
from wxapi.regions.rules.levels import region_of
from wxapi.regions.services.lookup import tree
from wxapi.units.rules import is_unit_code
from wxapi.web.desk import people_frame
from wxapi.web.desk.blueprint import room
from wxapi.web.desk.people_frame import people_page
from wxapi.web.kit import forms
from wxapi.web.kit.render import page, see
from wxapi.web.kit.svg import qr

_ROWS = 50
_FIELDS = ("name", "post", "phone", "role", "region_code", "unit_code")


@room.get("/desk/people")
@guard(Permission.APPOINT)
@limited("120/minute")
def show_people() -> Response:
    """The list: who has come, who has not; tick those who get a slip."""
    given = {
        name: value for name, value in request.args.items() if value and name in {"region", "q", "state", "cursor"}
    }
    try:
        query = forms.load(PeopleQuery, given)
    except InvalidError as error:
        if error.fields.keys() != {"q"}:  # the others are chosen, not typed
            raise
        return _list(given, {}, error=error)
    return _list(given, query)


@room.get("/desk/people/new")
@guard(Permission.APPOINT)
def show_new_person() -> Response:
    """The form for one person more."""
    return _new({})


@room.post("/desk/people/new")
@guard(Permission.APPOINT)
def add_person() -> Response:
    """One person more; a refusal keeps what was typed."""
    values = forms.filled(*_FIELDS)
    try:
        people_frame.refuse_no_place(values)
        body = forms.load(NewPerson, {**values, **_placed(values)})
        body["region_code"] = body["region_code"] or region_of(body["unit_code"])
        person = roster_reading.add_person(current_actor(), RosterRow(**body), now=runtime().clock.now())
    except DomainError as error:
        return _new(values, error=error)
    return see(f"/desk/people/{person.id}")


@room.get("/desk/people/<uuid:person_id>")
@guard(Permission.APPOINT)
def show_person(person_id: uuid.UUID) -> Response:
    """One person of the list, and what can be done about them."""
    actor, now = current_actor(), runtime().clock.now()
    person = roster_reading.read_person(actor, person_id, now=now)
    held = office_reading.offices_of(actor, person.user_id, now=now) if person.user_id else []
    return people_page("desk/person.html", person=person, offices=held)


@room.get("/desk/people/<uuid:person_id>/sessions")
@guard(Permission.APPOINT)
def show_sessions(person_id: uuid.UUID) -> Response:
    """Where somebody of the list is signed in; the look is audited."""
    actor, now = current_actor(), runtime().clock.now()
    person = roster_reading.read_person(actor, person_id, now=now)
    found = sessions.list_of(actor, _come(person), now=now)
    return people_page("desk/person_sessions.html", person=person, sessions=found)


@room.post("/desk/people/<uuid:person_id>/sessions/<uuid:session_id>/end")
@guard(Permission.APPOINT)
def end_session(person_id: uuid.UUID, session_id: uuid.UUID) -> Response:
    """Sign them out of one phone or browser."""
    actor, now = current_actor(), runtime().clock.now()
    sessions.end_of(actor, _come(roster_reading.read_person(actor, person_id, now=now)), session_id, now=now)
    return see(f"/desk/people/{person_id}/sessions?done=1")


@room.post("/desk/people/<uuid:person_id>/sessions/end")
@guard(Permission.APPOINT)
def end_sessions(person_id: uuid.UUID) -> Response:
    """Sign them out everywhere."""
    actor, now = current_actor(), runtime().clock.now()
    sessions.end_all_of(actor, _come(roster_reading.read_person(actor, person_id, now=now)), now=now)
    return see(f"/desk/people/{person_id}/sessions?done=1")


@room.post("/desk/people/<uuid:person_id>/remove")
@guard(Permission.APPOINT)
def remove_person(person_id: uuid.UUID) -> Response:
    """Take somebody off the list who has not come."""
    roster_reading.remove_person(current_actor(), person_id, now=runtime().clock.now())
    return see("/desk/people")


@room.post("/desk/people/slips")
@guard(Permission.APPOINT)
# The page holds codes, which are kept nowhere: sent again, the form makes new ones.
@idempotency.never_kept
@limited("60/hour")
def print_slips() -> Response:
    """Slips for those who were ticked, to be printed at once."""
    picked = request.form.getlist("pick")
    if not picked:
        raise InvalidError("nobody_picked", "请先勾选需要邀请单的人员。")
    body = forms.load(SlipsBody, {"person_ids": picked})
    slips = invitations.make_slips(current_actor(), body["person_ids"], now=runtime().clock.now())
    # Where the code is entered; the code itself is in no address, which logs and histories keep.
    address = f"{runtime().config.public_url}/account"
    response = page("desk/slips.html", slips=slips, address=address, code=qr(address))
    response.headers["Cache-Control"] = "no-store"
    response.headers.pop("ETag", None)
    return response


@room.get("/desk/colleagues")
@guard(Permission.WORK)
def show_colleagues() -> Response:
    """Who works at one's own desk."""
    found = colleagues.list_colleagues(current_actor(), now=runtime().clock.now())
    return page("desk/colleagues.html", colleagues=found)


def _come(person: Listed) -> uuid.UUID:
    """The account of somebody of the list.

    Raises:
        NotFoundError: they have not come, so they are signed in nowhere.
    """
    if person.user_id is None:
        raise not_found()
    return person.user_id


def _list(given: dict[str, str], query: dict[str, Any], *, error: DomainError | None = None) -> Response:
    waiting = {"waiting": True, "bound": False}.get(query.get("state") or "")
    found = None
    if error is None:
        found = roster_reading.search(
            current_actor(),
            Sought(query["region"], query["q"], waiting),
            limit=_ROWS,
            cursor=query["cursor"],
            now=runtime().clock.now(),
        )
    return people_page(
        "desk/people.html",
        error=error,
        people=found.items if found else [],
        next_cursor=found.next_cursor if found else None,
        given=given,
        regions=people_frame.regions(given.get("region")),
    )


def _new(values: dict[str, str], *, error: DomainError | None = None) -> Response:
    return people_page("desk/person_new.html", error=error, values=values, roles=people_frame.roles())


def _placed(values: dict[str, str]) -> dict[str, str]:
    """The codes of what was typed, by code or name.

    Raises:
        InvalidError: `validation_failed`, also for what the administrator knows nothing of.
    """
    found = people_frame.placed(values)
    wrong = {}
    if "region_code" in found and found["region_code"] not in tree().standing:
        wrong["region_code"] = ["区域未知或已撤销，请填写代码或全称。"]
    if "unit_code" in found and not is_unit_code(found["unit_code"]):
        wrong["unit_code"] = ["单位未知、已撤销或有多个同名单位，请填写代码或全称。"]
    if wrong:
        raise InvalidError("validation_failed", "提交的内容有误，请检查后再试。", fields=wrong)
    return found
