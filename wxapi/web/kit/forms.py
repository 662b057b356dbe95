"""Forms: where they may come from, the session's seal on them, the key that makes a repeat harmless, their fields.

Every form carries `csrf`, `once` (its Idempotency-Key) and, where something is changed, `version`.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, request
from marshmallow import Schema, ValidationError

from wxapi.kernel.errors import ForbiddenError, InvalidError, version_conflict
from wxapi.platform.flask_app import where
from wxapi.platform.front import KEY
from wxapi.platform.present import this_request
from wxapi.platform.problems import validation_failed
from wxapi.platform.runtime import runtime
from wxapi.web.kit import access, drafts
from wxapi.web.kit.blueprint import is_of_page
from wxapi.web.kit.labels import NO_CHOICE, for_people

_ONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_OWN_SITES = frozenset({"same-origin", "none"})
_MAC_BYTES = 32
_MOST_PARTS = 60


def install(app: Flask) -> None:
    """Check every POST to a page. Call after the guard's hook is installed, so that the person is known."""

    @app.before_request
    @where(is_of_page)
    def check() -> None:
        if this_request().method != "POST":
            return
        # Nine photos beside a form's other fields.
        request.max_form_parts = _MOST_PARTS
        _require_own_origin()
        if not _is_sealed(request.form.get("csrf", "")):
            raise ForbiddenError("csrf_invalid", "页面已过期，请刷新后重试。")
        once = request.form.get("once", "")
        if not _ONCE.fullmatch(once):
            raise ForbiddenError("once_missing", "页面不完整，请刷新后重试。")
        # From here on it is what every POST may carry; `platform.idempotency` does the rest.
        request.environ[KEY] = once


def csrf_token() -> str:
    """The session's seal, masked anew for each page, so that compressed pages tell nothing of it.

    Behind it stands whose form this is: when the session is over nothing else tells.
    """
    seal = _seal()
    mask = secrets.token_bytes(len(seal))
    token = base64.urlsafe_b64encode(mask + _xor(mask, seal)).rstrip(b"=").decode()
    return ".".join(filter(None, (token, drafts.owner_mark())))


def new_once() -> str:
    """The key of one form on one page."""
    return secrets.token_urlsafe(16)


def load(schema: type[Schema], values: Mapping[str, Any]) -> dict[str, Any]:
    """What a feature's own schema makes of a form's values: pages and API refuse the same things.

    Raises:
        InvalidError: `validation_failed`, with the sentences of each field.
    """
    try:
        loaded: dict[str, Any] = _made(schema).load(values)
    except ValidationError as error:
        refused = validation_failed(error.messages_dict)
        told = {name: for_people(sentences) for name, sentences in refused.fields.items()}
        raise InvalidError(refused.code, refused.detail, fields=told) from error
    return loaded


@cache
def _made(schema: type[Schema]) -> Schema:
    """Making one copies every field, which takes longer than all that a page asks of it."""
    return schema()


def chosen(name: str, *choices: str) -> str | None:
    """What the address asks for under a name; None where it says nothing.

    Raises:
        InvalidError: `validation_failed`, none of the choices. Ignored, it would show what nobody asked for.
    """
    value = request.args.get(name) or None
    if value is None or value in choices:
        return value
    raise validation_failed({name: [NO_CHOICE]})


def filled(*names: str) -> dict[str, str]:
    """Those of the form's text fields that hold anything; browsers' CRLF line ends become LF."""
    texts = {name: request.form.get(name, "").replace("\r\n", "\n").strip() for name in names}
    return {name: text for name, text in texts.items() if text}


def refuse_stale(present: str) -> None:
    """Refuse a form that was opened on something else than what stands now.

    Args:
        present: what the form would carry as its `version` if it were opened now.

    Raises:
        ConflictError: `version_conflict`.
    """
    if request.form.get("version") != present:
        # A page shows what stands now itself; a number it has none.
        raise version_conflict(version=0, state=present)


def _require_own_origin() -> None:
    """What the browser says of where the form came from; old browsers say nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if (site is not None and site not in _OWN_SITES) or (origin is not None and not _is_own(origin)):
        raise ForbiddenError("foreign_origin", "请求来源不正确，请从本系统页面操作。")


def _is_own(origin: str) -> bool:
    public = urlsplit(runtime().config.public_url)
    parts = urlsplit(origin)
    return origin == request.host_url.rstrip("/") or (parts.scheme, parts.netloc) == (public.scheme, public.netloc)


def _is_sealed(token: str) -> bool:
    try:
        seal = token.partition(".")[0].encode("ascii")
        raw = base64.urlsafe_b64decode(seal + b"=" * (-len(seal) % 4))
    except ValueError:
        return False
    if len(raw) != 2 * _MAC_BYTES:
        return False
    return hmac.compare_digest(_xor(raw[:_MAC_BYTES], raw[_MAC_BYTES:]), _seal())


def _seal() -> bytes:
    """HMAC over what binds the form to this browser: its session, or before login its login attempt."""
    subject = access.browser_secret()
    key = runtime().config.signing_keys[0].value
    return hmac.digest(key, f"csrf\0{current_app.name}\0{subject}".encode(), "sha256")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
