"""Pages out of templates, with what every template may use."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, current_app, redirect, render_template, request
from jinja2 import StrictUndefined
from markupsafe import Markup

from wxapi.kernel.actor import Actor
from wxapi.photos.models import PhotoFacts, variant_key
from wxapi.photos.rules.photos import REJECTION_DETAILS, RejectionCode
from wxapi.platform.present import this_request
from wxapi.platform.runtime import runtime
from wxapi.platform.storage import Signer
from wxapi.web.kit import access, drafts, forms, headers, templating, times, words
from wxapi.web.kit.blueprint import MenuEntry, Pages
from wxapi.web.kit.labels import labelled

_SEE_OTHER = 303
_SIGNER = "wxapi.signer"
_NO_TIME = Markup("–")
# Seconds to wait after a refusal that does not say how long.
_LATER = {429: 60, 503: 5}


def install(app: Flask) -> None:
    """Give the templates their filters and functions. A name that a template misspells is an error."""
    templating.install(app)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals |= {
        "visitor": access.page_actor,
        "csrf_token": forms.csrf_token,
        "draft_owner": drafts.owner_mark,
        "new_once": forms.new_once,
        "menu": _menu,
        "menu_entry": _menu_entry,
        "now": _now,
        "word": words.word,
        "labelled": labelled,
        "query_of": query_of,
    }
    app.jinja_env.filters |= {
        "badge": words.badge,
        "time": _time,
        "due": _due,
        "spoken": _spoken,
        "spoken_end": _spoken_end,
        "day": _day,
        "dated": times.dated,
        "exact": times.exact,
        "iso_day": times.iso_day,
        "remaining": _remaining,
        "picture": picture_address,
        "thumb": _thumb,
        "unread": why_unread,
        "variant": variant_address,
    }


def page(template: str, *, status: int = 200, **values: Any) -> Response:
    """A whole page. Its ETag covers everything on it, also the `once` of its forms.

    A refusal given as `error` says when to come again, where it knows.
    """
    response = Response(render_template(template, **values), status=status, content_type="text/html; charset=utf-8")
    if status != 200:
        response.headers["Cache-Control"] = "private, no-cache"
        if status in _LATER:
            response.headers["Retry-After"] = str(getattr(values.get("error"), "retry_after", _LATER[status]))
        return response
    headers.conditional(response)
    return response


# The same function: a fragment is a template without a form in it, so its ETag stays while nothing is new.
fragment = page


def see(path: str) -> Response:
    """Send the browser on after a POST."""
    response: Response = redirect(path, _SEE_OTHER)  # type: ignore[assignment]  # werkzeug's is the one Flask sends
    response.headers["Cache-Control"] = "no-store"
    return response


def query_of(**changes: Any) -> str:
    """The query of this address with some parts changed, `?` included; None takes a part away."""
    parts = {**request.args.to_dict(flat=False), **changes}
    text = urlencode({name: value for name, value in parts.items() if value not in (None, "")}, doseq=True)
    return f"?{text}" if text else "?"


def picture_address(address: str | None) -> str | None:
    """A stored picture's address as this page may load it: without the host where that is this server."""
    own = runtime().config.public_url
    return address.removeprefix(own) if address and address.startswith(f"{own}/") else address


def _thumb(photo_id: uuid.UUID | str) -> str | None:
    return _signed(variant_key(photo_id, "thumb"))


def why_unread(photo: PhotoFacts) -> str | None:
    """Why a photo was rejected, in words; None when it was not."""
    return REJECTION_DETAILS[RejectionCode(photo.rejection)] if photo.rejection else None


def variant_address(photo: PhotoFacts, name: str) -> str | None:
    """The address of a photo's variant; None until it is ready."""
    if name not in (photo.variants or {}):
        return None
    return _signed(variant_key(photo.id, name))


def _signed(key: str) -> str | None:
    """What signs lies with the request: a list has fifty pictures."""
    around = this_request().environ
    sign: Signer | None = around.get(_SIGNER)
    if sign is None:
        sign = around[_SIGNER] = runtime().storage.signer()
    return picture_address(sign(key))


def menu_of(actor: Actor | None) -> Iterator[MenuEntry]:
    """What the rooms offer this person, in the order of the rooms."""
    for room in current_app.blueprints.values():
        if isinstance(room, Pages) and actor is not None:
            yield from (entry for entry in room.menu if actor.may(entry.permission))


def _menu() -> list[MenuEntry]:
    return list(menu_of(access.page_actor()))


def _spoken(at: datetime) -> str:
    return times.spoken(at, _now())


def _spoken_end(ends_at: datetime, starts_at: datetime) -> str:
    return times.spoken_end(ends_at, starts_at, _now())


def _day(day: date) -> str:
    return times.calendar_day(day, _now())


def _remaining(due: datetime) -> str:
    return times.remaining(due, _now())


def _time(at: datetime | None) -> Markup:
    """An instant as people say it; the exact time on hover and in print."""
    if at is None:
        return _NO_TIME
    return Markup(f'<time datetime="{at.isoformat()}" title="{times.exact(at)}">{_spoken(at)}</time>')  # noqa: S704 - figures


def _due(at: datetime | None) -> Markup:
    """What is left until a due time, or how long it has been past."""
    if at is None:
        return _NO_TIME
    now = _now()
    said = f'datetime="{at.isoformat()}" title="{times.exact(at)}">{times.remaining(at, now)}'
    return Markup(f'<time class="due {times.urgency(at, now)}" {said}</time>')  # noqa: S704 - figures


def _menu_entry(entries: Sequence[MenuEntry]) -> str:
    """The path of the entry this page belongs to: the longest that its own path begins with."""
    here = f"{request.path}/"
    return max((each.path for each in entries if here.startswith(f"{each.path}/")), key=len, default="")


def _now() -> datetime:
    return runtime().clock.now()
