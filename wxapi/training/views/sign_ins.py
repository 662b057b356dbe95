"""The code on the screen, and signing in and out with it."""

import uuid
from typing import Any

from flask import Response

from wxapi.kernel.clock import to_wire
from wxapi.kernel.permissions import Permission
from wxapi.platform import idempotency
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response
from wxapi.training.services import hall_screen, signing_in, signing_out, steward_batch
from wxapi.training.views.routes import ONE, blueprint
from wxapi.training.wire import answers, json, requests
from wxapi.training.wire.documents import qr

# Of one person. A phone in a weak network repeats every few seconds; a machine that floods a hall is stopped.
_OFTEN = "120/minute"
_CODE = "5F0C7A526B0E4D0A9F0B0D6B6F6F3C11-003KZ8M-9Q2W4E6R8T0Y1A3S"
_BODY = {
    "code": _CODE,
    "client_time": "2026-12-01T00:55:03Z",
    "location": {"longitude": 112.25545, "latitude": 30.31125, "coord_type": "gcj02", "accuracy": 18.0},
    "device_id": "d1f0a2",
}


@blueprint.route(f"{ONE}/sign-in-code")
@guard(Permission.TRAINING_ORGANISE)
@blueprint.response(200, answers.ScreenCodeWire)
def sign_in_code(session_id: uuid.UUID) -> Response:
    """签到码

    屏幕上现在显示的签到码。几块屏幕显示同一个；到 `refresh_at` 再次获取。
    """
    screen = hall_screen.screen_code(current_actor(), session_id, now=runtime().clock.now())
    return json_response(
        {
            "code": screen.code,
            "short_code": screen.short_code,
            "expires_at": to_wire(screen.expires_at),
            "refresh_at": to_wire(screen.refresh_at),
            "qr_svg": qr.screen_svg(screen.code),
        }
    )


@blueprint.route(f"{ONE}/tickets", methods=["POST"])
@guard(Permission.SIGNED_IN)
@limited(_OFTEN)
@blueprint.arguments(requests.CodeBody, example={"code": _CODE})
@blueprint.response(201, answers.TicketWire)
def issue_ticket(body: dict[str, Any], session_id: uuid.UUID) -> Response:
    """留存签到码

    为本人留存扫到的签到码十分钟，供填表或登录较慢时使用。
    """
    ticket = signing_in.issue_ticket(current_actor(), session_id, body["code"], now=runtime().clock.now())
    return json_response({"ticket": ticket.ticket, "expires_at": to_wire(ticket.expires_at)}, 201)


@blueprint.route(f"{ONE}/sign-ins", methods=["POST"])
@guard(Permission.SIGNED_IN)
@limited(_OFTEN)
@idempotency.with_the_write
@blueprint.arguments(requests.SignInBody, example=_BODY)
@blueprint.response(201, answers.SignInWire)
@blueprint.alt_response(200, schema=answers.SignInWire, description="本人已签到：同一条记录。")
def sign_in(body: dict[str, Any], session_id: uuid.UUID) -> Response:
    """签到

    同一人再次签到得到同一条记录，答复 200。位置不符的不拒绝，列为待核实。
    """
    record = signing_in.sign_in(current_actor(), session_id, requests.attempt_of(body), now=runtime().clock.now())
    return json_response(json.sign_in_dict(record), 201 if record.created else 200)


@blueprint.route(f"{ONE}/sign-ins/batch", methods=["POST"])
@guard(Permission.TRAINING_STEWARD)
@limited(_OFTEN)
@blueprint.arguments(
    requests.BatchBody,
    example={
        "items": [
            {
                "key": "a1",
                "user_id": "5f0c7a52-6b0e-4d0a-9f0b-0d6b6f6f3c11",
                "client_time": "2026-12-01T01:02:03Z",
            }
        ]
    },
)
@blueprint.response(200, answers.BatchWire)
def sign_in_batch(body: dict[str, Any], session_id: uuid.UUID) -> Response:
    """补传离线签到

    交上签到员手机里留存的记录，最多 500 条；各有各的结果，整批总是 200。
    """
    results = steward_batch.sign_in_batch(current_actor(), session_id, body["items"], now=runtime().clock.now())
    return json_response({"results": [json.result_dict(result) for result in results]})


@blueprint.route(f"{ONE}/sign-outs", methods=["POST"])
@guard(Permission.SIGNED_IN)
@limited(_OFTEN)
@blueprint.arguments(requests.SignInBody, example={**_BODY, "client_time": "2026-12-01T03:58:10Z"})
@blueprint.response(201, answers.SignOutWire)
@blueprint.alt_response(200, schema=answers.SignOutWire, description="本人已签退：时间更新为这一次。")
def sign_out(body: dict[str, Any], session_id: uuid.UUID) -> Response:
    """签退

    用屏幕上的签到码签退；以最后一次为准，再次签退答复 200。
    """
    record = signing_out.sign_out(current_actor(), session_id, requests.attempt_of(body), now=runtime().clock.now())
    return json_response(json.sign_out_dict(record), 201 if record.created else 200)
