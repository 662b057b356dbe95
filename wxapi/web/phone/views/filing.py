"""Filing a report: everything on one screen, and asked once whether it was reported already."""

import uuid
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from flask import Response, jsonify, request

from wxapi.kernel.errors import DomainError, InvalidError, NotFoundError, not_found
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.problems import status_of
from wxapi.platform.runtime import runtime
from wxapi.reports.queries.nearby import NearbyRow
from wxapi.reports.rules import often
from wxapi.reports.rules.categories import Category, all_categories
from wxapi.reports.services.file import Draft, file_report
from wxapi.reports.services.join import join
from wxapi.reports.services.lists import reports_nearby
from wxapi.reports.wire.schemas import FileBody, draft_of
from wxapi.web.kit import forms
from wxapi.web.kit.drafts import owner_mark
from wxapi.web.kit.photos import kept_photos, photos_after_refusal, sent_photos
from wxapi.web.kit.render import fragment, page, see
from wxapi.web.phone import places
from wxapi.web.phone.blueprint import room

_WORDS = ("category_code", "description", "address")


@room.get("/m/new")
@guard(Permission.SIGNED_IN)
def show_form() -> Response:
    """The empty form; the address may hold a place already."""
    return _form({}, places.picked(request.args))


@room.get("/m/new/place")
@guard(Permission.SIGNED_IN)
def show_place() -> Response:
    """The part of the form where the place is picked, for a place in the address."""
    return fragment("phone/place.html", place=places.picked(request.args))


@room.get("/m/new/nearby")
@guard(Permission.SIGNED_IN)
def show_nearby() -> Response:
    """What of the same class was reported already around a place; empty where nothing was, or nothing is picked yet."""
    try:
        place = places.location_of(places.picked(request.args))
        values = {"category_code": request.args.get("category_code", ""), "description": "–", **place}
        found = _nearby(draft_of(forms.load(FileBody, values)))
    except InvalidError:  # said when the report is filed
        found = {"near": [], "by_list": False}
    return fragment("phone/nearby.html", **found)


@room.post("/m/new")
@guard(Permission.SIGNED_IN)
@limited(often.FILING, deed=often.FILE)
def file_new() -> Response:
    """File the report, or join one; without `asked` only where nothing like it lies near.

    A script asks for JSON and gets `{"number","path"}`.
    """
    filled = forms.filled(*_WORDS)
    as_json = request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
    try:
        photo_ids = sent_photos()
        if request.form.get("join"):
            return _done(_joined(photo_ids), "joined", as_json=as_json)
        place = places.location_of(places.picked(request.form))
        draft = draft_of(forms.load(FileBody, {**filled, "photo_ids": list(photo_ids), **place}))
        if not request.form.get("asked") and (near := _nearby(draft))["near"]:
            return _form(filled, places.picked(request.form), kept=kept_photos(photo_ids), status=409, **near)
        view = file_report(current_actor(), draft, now=runtime().clock.now())
    except DomainError as error:
        if as_json or isinstance(error, NotFoundError):
            raise
        return _refused(filled, error)
    return _done(view.number, "1", as_json=as_json)


def _joined(photo_ids: Sequence[str]) -> str:
    """Join the report that was chosen; returns its number."""
    try:
        wanted = uuid.UUID(request.form["join"])
        photos = [uuid.UUID(each) for each in photo_ids]
    except ValueError:
        raise not_found() from None
    return join(current_actor(), wanted, photos, now=runtime().clock.now()).number


def _done(number: str, how: str, *, as_json: bool) -> Response:
    path = f"/m/r/{number}?filed={how}"
    if not as_json:
        return see(path)
    answer = jsonify(number=number, path=path)
    answer.status_code = 201
    return answer


def _nearby(draft: Draft) -> Mapping[str, Any]:
    """What a page says of reports like this one around it."""
    rows: Sequence[NearbyRow] = reports_nearby(draft.point, draft.datum, draft.category_code, now=runtime().clock.now())
    return {"near": rows, "by_list": draft.picked_by == "list"}


def _refused(filled: Mapping[str, str], error: DomainError) -> Response:
    kept = kept_photos(photos_after_refusal())
    try:
        place = places.picked(request.form)
    except DomainError:
        place = places.picked({})
    return _form(filled, place, kept=kept, error=error, status=status_of(error).value)


def _form(filled: Mapping[str, str], place: places.Picked, *, status: int = 200, **more: Any) -> Response:
    shown: dict[str, Any] = {"kept": [], "error": None, "near": [], "by_list": False, **more}
    return page(
        "phone/new.html",
        status=status,
        filled=filled,
        place=place,
        classes=_classes(),
        owner=owner_mark(),
        **shown,
    )


def _classes() -> list[tuple[str, list[Category]]]:
    """Major classes with their classes, in the order of the table."""
    used = (each for each in all_categories().values() if not each.retired)
    return [(name, list(found)) for name, found in groupby(used, key=lambda each: each.major_name)]
