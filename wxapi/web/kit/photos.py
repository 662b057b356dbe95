"""Photos of forms: sent one by one while somebody still types, or with the form itself where no scripts run."""

import uuid
from collections.abc import Sequence
from contextlib import suppress

from flask import Response, jsonify, request
from werkzeug.datastructures import FileStorage

from wxapi.kernel.errors import DomainError, InvalidError, NotFoundError
from wxapi.kernel.permissions import Permission
from wxapi.photos.models import PhotoFacts
from wxapi.photos.services import send
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.runtime import runtime
from wxapi.web.kit.blueprint import Pages
from wxapi.web.kit.render import variant_address, why_unread

# The kit's own templates and files.
kit = Pages("kit", __name__)


@kit.post("/photos")
@guard(Permission.SIGNED_IN)
@limited("120/minute")
def upload_photo() -> Response:
    """Take one photo: `file`. Answers `{"id","state","thumb","detail"}`."""
    file = request.files.get("file")
    if file is None:
        raise InvalidError("file_missing", "请选择照片。")
    photo = send.upload(current_actor(), file.read(), sha256=None, now=runtime().clock.now())
    return _told(photo, 201)


@kit.get("/photos/<uuid:photo_id>")
@guard(Permission.SIGNED_IN)
def photo_state(photo_id: uuid.UUID) -> Response:
    """How far a photo has come."""
    return _told(send.read(current_actor(), photo_id), 200)


def sent_photos() -> Sequence[str]:
    """The ids of the photos of the form that was sent; files that came with it are taken up first."""
    ids = [text for text in request.form.getlist("photo_ids") if text]
    ids += [_taken(file) for file in request.files.getlist("photos") if file.filename]
    return ids


def photos_after_refusal() -> Sequence[str]:
    """The same after a refusal, which took the files of the form back: each that can be is taken up again."""
    ids = [text for text in request.form.getlist("photo_ids") if text]
    for file in request.files.getlist("photos"):
        if file.filename:
            with suppress(DomainError):  # it is why the form was refused
                ids.append(_taken(file))
    return ids


def _taken(file: FileStorage) -> str:
    file.stream.seek(0)
    return str(send.upload(current_actor(), file.read(), sha256=None, now=runtime().clock.now()).id)


def kept_photos(ids: Sequence[str]) -> list[tuple[str, str | None]]:
    """(id, thumb's address) of photos that were sent already, to be shown again; what is no photo is left out."""
    found = []
    for text in ids:
        try:
            photo = send.read(current_actor(), uuid.UUID(text))
        except (ValueError, NotFoundError):
            continue
        found.append((text, variant_address(photo, "thumb")))
    return found


def _told(photo: PhotoFacts, status: int) -> Response:
    response = jsonify(
        id=str(photo.id), state=photo.state, thumb=variant_address(photo, "thumb"), detail=why_unread(photo)
    )
    response.status_code = status
    return response
