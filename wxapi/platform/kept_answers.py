"""An answer that is kept with its `Idempotency-Key`, and what makes two requests the same."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Response, make_response, redirect
from sqlalchemy import DateTime, LargeBinary, SmallInteger, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.datastructures import FileStorage

from wxapi.kernel.errors import ConflictError, InvalidError
from wxapi.platform.db import Base
from wxapi.platform.present import this_request
from wxapi.platform.runtime import runtime
from wxapi.platform.sealed import Sealed

REPLAYED = "Idempotency-Replayed"
SEE_OTHER = 303
_PURPOSE = "idempotency.answer"
_CHUNK = 1 << 20
_FORMS = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})
# A page's seal is masked anew each time: what was written without a network is sent under that of another page.
_SEAL = "csrf"


class IdempotencyRow(Base):
    """The first answer to a key. `status` is None only inside the transaction that makes it."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[Any] = mapped_column(Uuid, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    content_type: Mapped[str | None] = mapped_column(Text)
    body: Mapped[bytes | None] = mapped_column(Sealed(_PURPOSE))


def kept_form(response: Response) -> dict[str, Any]:
    """Answers hold what people typed, sealed everywhere else; of a page's only where it sends the browser counts."""
    text = response.location if response.status_code == SEE_OTHER else response.get_data(as_text=True)
    sealed = runtime().cipher.seal(text or "", purpose=_PURPOSE)
    return {"status": response.status_code, "content_type": response.headers.get("Content-Type"), "body": sealed}


def replay(row: IdempotencyRow, fingerprint: bytes, may_still_see: Callable[[], bool]) -> Response:
    """The first answer again.

    Raises:
        InvalidError: `idempotency_key_reused`.
        ConflictError: `answer_not_kept`.
    """
    if row.fingerprint != fingerprint:
        raise InvalidError("idempotency_key_reused", "该 Idempotency-Key 已用于另一个请求。")
    if row.body is None or not may_still_see():
        raise ConflictError("answer_not_kept", "该请求此前已处理，请刷新查看结果。")
    text = runtime().cipher.open(row.body, purpose=_PURPOSE)
    if row.status == SEE_OTHER:
        response: Response = redirect(text, SEE_OTHER)  # type: ignore[assignment]  # werkzeug's is the one Flask sends
    else:
        response = make_response(text, row.status or 200)
        response.content_type = row.content_type or ""
    response.headers[REPLAYED] = "true"
    return response


def fingerprint_of_request() -> bytes:
    """What makes two requests the same: path, query and content; of a form the parts, as its boundary is random."""
    asked = this_request()
    digest = hashlib.sha256(asked.path.encode() + (b"?" + asked.query_string if asked.query_string else b"") + b"\0")
    if asked.environ.get("CONTENT_TYPE") != "application/json" and asked.mimetype in _FORMS:
        for name, value in sorted(asked.form.items(multi=True)):
            if name != _SEAL:
                digest.update(f"{name}={value}\0".encode())
        for name, upload in sorted(asked.files.items(multi=True), key=lambda item: item[0]):
            digest.update(f"{name}:".encode() + _file_digest(upload))
    else:
        digest.update(asked.get_data())
    return digest.digest()


def _file_digest(upload: FileStorage) -> bytes:
    """SHA-256 of an uploaded file, which is left rewound."""
    upload.stream.seek(0)  # a view that asks itself has read it
    digest = hashlib.sha256()
    while chunk := upload.stream.read(_CHUNK):
        digest.update(chunk)
    upload.stream.seek(0)
    return digest.digest()
