"""Upload a photo, look at a photo."""

import uuid
from typing import Any

from flask import Response

from wxapi.kernel.permissions import Permission
from wxapi.photos.rules.photos import MAX_BYTES
from wxapi.photos.services import send
from wxapi.photos.wire import schemas
from wxapi.photos.wire.photos import photo_dict
from wxapi.platform import idempotency
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.kept_answers import REPLAYED
from wxapi.platform.limits import limited
from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response

blueprint = ApiBlueprint("photos", __name__, description="照片")

# The file, the other form fields and the boundaries between them.
MAX_UPLOAD = MAX_BYTES + 64 * 1024

_EXAMPLE = {
    "id": "0d7a5f0e-7a51-4f0e-9a55-0c7c3a2d1b11",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "bytes": 2483121,
    "state": "pending",
    "rejection": None,
    "width": None,
    "height": None,
    "variants": {},
}


@blueprint.route("/photos", methods=["POST"])
@guard(Permission.SIGNED_IN)
@idempotency.required
@idempotency.asks_itself
@limited("600/minute")
@blueprint.arguments(schemas.UploadBody, location="multipart", example={"file": "(bytes)"})
@blueprint.response(201, schemas.PhotoSchema, example=_EXAMPLE)
def upload(form: dict[str, Any]) -> Response:
    """上传照片

    用 `wx.uploadFile` 上传一张，字段名 `file`。先存下并答复，各种尺寸随后由后台生成；
    用 `GET /photos/{photo_id}` 查询状态。
    """
    # One byte more than is taken tells "too large" without reading on.
    data = form["file"].read(MAX_BYTES + 1)
    with send.stored(data, sha256=form["sha256"]) as original:

        def enter() -> Response:
            photo = send.enter(current_actor(), original, now=runtime().clock.now())
            return json_response(photo_dict(photo, current_actor().user_id), 201)

        response = idempotency.once(enter)
        # Of a repeat the first one's file stays.
        original.entered = REPLAYED not in response.headers
        return response


@blueprint.route("/photos/<uuid:photo_id>")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, schemas.PhotoSchema, example=_EXAMPLE)
def read(photo_id: uuid.UUID) -> Response:
    """读取照片

    本人的照片，或能看到的上报中的照片。地址会过期，需要时重新读取。
    """
    actor = current_actor()
    return json_response(photo_dict(send.read(actor, photo_id), actor.user_id))
