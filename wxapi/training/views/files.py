"""Files of a session."""

import uuid
from urllib.parse import quote

from flask import Response, send_file

from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.runtime import runtime
from wxapi.training.models import TrainingSession
from wxapi.training.services import browse, export_roll
from wxapi.training.views.routes import DRAWN, ONE, blueprint
from wxapi.training.wire.documents import calendar, poster, roll_sheet

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Two names: what knows no UTF-8 takes the first.
_ROLL = f"attachment; filename=\"roll.xlsx\"; filename*=UTF-8''{quote('考勤表.xlsx')}"


@blueprint.route(f"{ONE}/attendance.xlsx")
@guard(Permission.TRAINING_ORGANISE)
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=XLSX)
def roll_xlsx(session_id: uuid.UUID) -> Response:
    """考勤表文件

    整场的考勤表（XLSX）。
    """
    path = export_roll.roll_file(current_actor(), session_id, roll_sheet.write, now=runtime().clock.now())
    # Opened here and unlinked at once: the file goes with the answer, whatever becomes of it.
    file = path.open("rb")
    path.unlink()
    response = send_file(file, mimetype=XLSX)
    response.headers["Content-Disposition"] = _ROLL
    response.headers["Cache-Control"] = "no-store"  # `send_file` would let it be kept
    return response


@blueprint.route(f"{ONE}/calendar.ics")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, {"type": "string"}, content_type="text/calendar")
def calendar_file(session_id: uuid.UUID) -> Response:
    """日历文件

    加入手机日历用的场次文件（iCalendar）。
    """
    body = calendar.render(calendar.event_of(_read(session_id)))
    headers = {"Content-Disposition": 'attachment; filename="session.ics"'}
    return Response(body, content_type="text/calendar; charset=utf-8", headers=headers)


@blueprint.route(f"{ONE}/poster.svg")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, {"type": "string"}, content_type="image/svg+xml")
def poster_svg(session_id: uuid.UUID) -> Response:
    """海报（SVG）

    扫码进入场次页面的海报，从不含签到码。
    """
    return Response(poster.svg(_poster(_read(session_id))), content_type="image/svg+xml")


@blueprint.route(f"{ONE}/poster.png")
@guard(Permission.SIGNED_IN)
@limited(DRAWN)
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="image/png")
def poster_png(session_id: uuid.UUID) -> Response:
    """海报（PNG）

    同一张海报的图片。名称或地点中有无法打印的字时为 409，可改用 SVG 海报。
    """
    row = _read(session_id)
    poster.require_drawable(row)
    return Response(poster.png(_poster(row)), content_type="image/png")


def _read(session_id: uuid.UUID) -> TrainingSession:
    return browse.read(current_actor(), session_id).row


def _poster(row: TrainingSession) -> poster.Poster:
    return poster.layout(row, f"{runtime().config.public_url}/t/{row.id}")
