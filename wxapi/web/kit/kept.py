"""What was typed into a form that led to the login, or to one's phone: sealed in a cookie, for half an hour.

With scripts the tab's memory does the same. The server keeps nothing: whoever lets a session end may never come back.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import cast

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from wxapi.platform.cipher import SealError
from wxapi.platform.flask_app import where
from wxapi.platform.runtime import runtime
from wxapi.web.kit import access, drafts
from wxapi.web.kit.blueprint import may_be_of_page
from wxapi.web.kit.labels import FIELDS

# What people write in words of their own.
_PROSE = ("title", "name", "nickname", "post", "place", "address", "description", "note", "reason")
_PURPOSE = "web.kept_text"
_SECONDS = 1800
# A proxy takes 4 KB of headers together, a browser 4 KB of a cookie.
_LONGEST = 3000

Texts = list[tuple[str, str]]


def install(app: Flask) -> None:
    """Let a page show what was typed into it, and forget it once a form of that page was taken."""
    app.jinja_env.globals["kept_texts"] = kept_texts

    @app.after_request
    @where(may_be_of_page)
    def forget(response: Response) -> Response:
        if response.status_code == 303 and request.method == "POST" and _kept_at(access.came_from()):
            access.drop_cookie(response, access.text_cookie())
        return response


def typed() -> Texts:
    """(label, text) of what was written in the form that was sent."""
    if request.method != "POST":
        return []
    try:
        return [(FIELDS[name], text) for name in _PROSE if (text := request.form.get(name, "").strip())]
    except HTTPException:  # too large, or no form at all
        return []


def keep(response: Response, texts: Texts) -> bool:
    """Give what was typed to the browser, for the same person on the same page; False where it cannot be kept."""
    if not texts:
        return True
    came, mark = access.came_from(), drafts.mark_of(request.form.get("csrf", ""))
    if not mark:  # no form of ours: nobody typed it here
        return True
    if came is None:
        return False
    said = json.dumps([mark, came, texts], ensure_ascii=False)
    value = urlsafe_b64encode(runtime().cipher.seal(said, purpose=_PURPOSE)).decode()
    if len(value) > _LONGEST:
        return False
    access.keep_text(response, value, _SECONDS)
    return True


def kept_texts() -> Texts:
    """What the person of this request typed into this page before their session ended."""
    return _kept_at(request.path) if request.method == "GET" else []


def _kept_at(address: str | None) -> Texts:
    """What is kept of the page at an address, for nobody but who typed it."""
    value = request.cookies.get(access.text_cookie(), "")
    if not value or address is None or access.page_actor() is None:
        return []
    try:
        said = runtime().cipher.open(urlsafe_b64decode(value.encode("ascii")), purpose=_PURPOSE)
    except (ValueError, SealError):
        return []
    mark, came, texts = json.loads(said)
    is_here = came.partition("?")[0] == address.partition("?")[0] and mark == drafts.owner_mark()
    return cast("Texts", texts) if is_here else []
