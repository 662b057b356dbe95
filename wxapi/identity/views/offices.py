"""Appointments: made, listed, ended, moved, stood in for."""

import uuid
from typing import Any

from flask import Response

from wxapi.identity.services import appointments, office_changes, office_reading
from wxapi.identity.views.routes import blueprint
from wxapi.identity.wire import offices as wire
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
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
    """任命

    任命一人担任本人辖区内的职务；区划与单位填且只填一个。
    """
    body["region_code"] = body["region_code"] or region_of(body["unit_code"])
    made = appointments.appoint(current_actor(), appointments.NewAppointment(**body), now=runtime().clock.now())
    return json_response(wire.appointment_dict(made), 201)


@blueprint.route("/appointments")
@guard(Permission.APPOINT)
@blueprint.arguments(wire.AppointmentQuery, location="query")
@blueprint.response(200, wire.AppointmentPage)
def list_appointments(query: dict[str, Any]) -> Response:
    """任职名单

    某区划（及其以下）或某单位的现任人员。
    """
    page = office_reading.list_appointments(
        current_actor(),
        query["region"],
        unit=query["unit"],
        coming=query["when"] == "coming",
        limit=query["limit"],
        cursor=query["cursor"],
        now=runtime().clock.now(),
    )
    return page_response(page, wire.appointment_dict)


@blueprint.route("/appointments/<uuid:appointment_id>", methods=["DELETE"])
@guard(Permission.APPOINT)
@blueprint.response(204)
def end_appointment(appointment_id: uuid.UUID) -> None:
    """免职

    结束一项任职，立即生效。
    """
    appointments.end_appointment(current_actor(), appointment_id, now=runtime().clock.now())


@blueprint.route("/appointments/<uuid:appointment_id>/end", methods=["POST"])
@guard(Permission.APPOINT)
@blueprint.arguments(wire.EndBody, example={"last_day": "2026-12-31"})
@blueprint.response(200, wire.AppointmentWire)
def end_appointment_on(body: dict[str, Any], appointment_id: uuid.UUID) -> Response:
    """定期免职

    任职到某日为止（含当日）；立即结束用 DELETE。
    """
    found = office_changes.end_on(current_actor(), appointment_id, body["last_day"], now=runtime().clock.now())
    return json_response(wire.appointment_dict(found))


@blueprint.route("/appointments/<uuid:appointment_id>/move", methods=["POST"])
@guard(Permission.APPOINT)
@blueprint.arguments(wire.MoveBody, example={"region_code": "421002006002", "unit_code": None, "on": "2026-12-01"})
@blueprint.response(201, wire.AppointmentWire)
def move_appointment(body: dict[str, Any], appointment_id: uuid.UUID) -> Response:
    """调任

    同一职务调到本辖区内另一区划或单位，原任职到前一天为止。须在 15 分钟内登录或确认过。
    """
    code = body["region_code"] or region_of(body["unit_code"])
    made = office_changes.move(
        current_actor(), appointment_id, code, body["unit_code"], body["on"], now=runtime().clock.now()
    )
    return json_response(wire.appointment_dict(made), 201)


@blueprint.route("/appointments/<uuid:appointment_id>/stand-ins", methods=["POST"])
@guard(Permission.APPOINT)
@blueprint.arguments(
    wire.StandInBody,
    example={"user_id": "5f0c7a52-6b0e-4d0a-9f0b-0d6b6f6f3c11", "from": "2026-11-23", "to": "2026-12-22"},
)
@blueprint.response(201, wire.AppointmentWire)
def add_stand_in(body: dict[str, Any], appointment_id: uuid.UUID) -> Response:
    """代理

    在起止日期（含）内行使该任职的权限，到期自动失效。须在 15 分钟内登录或确认过。
    """
    wanted = office_changes.StandIn(body["user_id"], body["from_"], body["to"])
    made = office_changes.stand_in(current_actor(), appointment_id, wanted, now=runtime().clock.now())
    return json_response(wire.appointment_dict(made), 201)
