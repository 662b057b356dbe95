"""Appointments, and the city's list of people."""

import uuid
from typing import Any

from flask import Response

from wxapi.identity.services import appointments, roster
from wxapi.identity.views.routes import blueprint
from wxapi.identity.wire import offices as wire
from wxapi.kernel.paging import Page
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limiter
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response, page_response
from wxapi.regions.rules.levels import region_of


@blueprint.route("/appointments", methods=["POST"])
@guard(Permission.APPOINT)
@blueprint.arguments(
    wire.NewAppointmentBody,
    example={
        "user_id": "5f0c7a52-6b0e-4d0a-9f0b-0d6b6f6f3c11",
        "role": "community_worker",
        "region_code": "421002006001",
        "unit_code": None,
        "starts_on": "2026-11-23",
        "ends_on": None,
    },
)
@blueprint.response(201, wire.AppointmentWire)
def appoint(body: dict[str, Any]) -> Response:
    """Appoint a person for a region within one's own."""
    body["region_code"] = body["region_code"] or region_of(body["unit_code"])
    made = appointments.appoint(current_actor(), appointments.NewAppointment(**body), now=runtime().clock.now())
    return json_response(wire.appointment_dict(made), 201)


@blueprint.route("/appointments")
@guard(Permission.APPOINT)
@blueprint.arguments(wire.AppointmentQuery, location="query")
@blueprint.response(200, wire.AppointmentPage)
def list_appointments(query: dict[str, Any]) -> Response:
    """Appointments in force at or below a region."""
    page = appointments.list_appointments(
        current_actor(),
        query["region"],
        unit=query["unit"],
        limit=query["limit"],
        cursor=query["cursor"],
        now=runtime().clock.now(),
    )
    return page_response(page, wire.appointment_dict)


@blueprint.route("/appointments/<uuid:appointment_id>", methods=["DELETE"])
@guard(Permission.APPOINT)
@blueprint.response(204)
def end_appointment(appointment_id: uuid.UUID) -> None:
    """End an appointment."""
    appointments.end_appointment(current_actor(), appointment_id, now=runtime().clock.now())


@blueprint.route("/people")
@guard(Permission.APPOINT)
@limiter.limit("60/minute")
@blueprint.arguments(wire.PeopleQuery, location="query")
@blueprint.response(200, wire.PeoplePage)
def search_people(query: dict[str, Any]) -> Response:
    """本区划名单中的人员：姓名、职务、任职（仅管理员可见，最多 100 人，查询留痕）。"""
    found = roster.search(current_actor(), query["region"], query["q"], now=runtime().clock.now())
    return page_response(Page(found, None), wire.person_dict)
