"""Making, changing, publishing and cancelling a session."""

import uuid
from datetime import datetime
from typing import Any

from flask import Response, request

from wxapi.kernel.errors import ConflictError, DomainError, NotFoundError, version_conflict
from wxapi.kernel.permissions import ROLE_NAMES, Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.problems import status_of
from wxapi.platform.runtime import runtime
from wxapi.training.models import TrainingSession
from wxapi.training.queries.session_views import SessionView
from wxapi.training.rules.phases import Phase
from wxapi.training.services import organise
from wxapi.training.wire.requests import SessionBody, SessionChange, plan_of
from wxapi.web.hall import session_form
from wxapi.web.hall.blueprint import room
from wxapi.web.hall.halls import Hall, find_hall
from wxapi.web.hall.session_form import FormValues
from wxapi.web.hall.views.sessions import session_page
from wxapi.web.kit import forms, words
from wxapi.web.kit.render import page, see

ORGANISE = Permission.TRAINING_ORGANISE


class _Version(SessionChange):
    """The version alone, of a step that changes no field."""

    class Meta(SessionChange.Meta):
        fields = ("version",)


@room.get("/hall/new")
@guard(ORGANISE)
def show_new() -> Response:
    """An empty form."""
    return _form(None, session_form.fresh_values(current_actor()))


@room.post("/hall/new")
@guard(ORGANISE)
def make_session() -> Response:
    """Draft a session; a refusal keeps what was typed."""
    values = session_form.sent_values()
    try:
        plan = plan_of(forms.load(SessionBody, session_form.body_of(values, None)))
        view = organise.create(current_actor(), plan, now=runtime().clock.now())
    except NotFoundError:
        raise
    except DomainError as error:
        return _form(None, values, error=error)
    return _on(view, "created")


@room.get("/hall/<uuid:session_id>/change")
@guard(ORGANISE)
def show_change(session_id: uuid.UUID) -> Response:
    """The form, filled with what is stored."""
    hall = find_hall(session_id, ORGANISE, now=runtime().clock.now())
    return _form(hall, session_form.values_of(hall.row))


@room.post("/hall/<uuid:session_id>/change")
@guard(ORGANISE)
def change_session(session_id: uuid.UUID) -> Response:
    """Change it. Somebody was faster: the typed text stays, and what they changed is shown beside it."""
    now = runtime().clock.now()
    values = session_form.sent_values()
    hall = find_hall(session_id, ORGANISE, now=now)
    try:
        version = _sent_version()
        body = {**session_form.body_of(values, hall.row), "version": version}
        plan = plan_of(forms.load(SessionChange, body))
        view = organise.replace(current_actor(), session_id, plan, version=version, now=now)
    except NotFoundError:
        raise
    except DomainError as error:
        return _form(find_hall(session_id, ORGANISE, now=now), values, error=error)
    return _on(view, "changed")


@room.post("/hall/<uuid:session_id>/publish")
@guard(ORGANISE)
def publish_session(session_id: uuid.UUID) -> Response:
    """Open a draft, as it was seen."""
    now = runtime().clock.now()
    hall = find_hall(session_id, ORGANISE, now=now)
    try:
        _check_seen(hall.row)
        view = organise.publish(current_actor(), session_id, now=now)
    except ConflictError as error:
        return session_page(find_hall(session_id, ORGANISE, now=now), now=now, error=error)
    return _on(view, "published")


@room.get("/hall/<uuid:session_id>/cancel")
@guard(ORGANISE)
def ask_cancel(session_id: uuid.UUID) -> Response:
    """What happens when it is cancelled, before it is."""
    return _cancel_page(session_id, now=runtime().clock.now())


@room.post("/hall/<uuid:session_id>/cancel")
@guard(ORGANISE)
def cancel_session(session_id: uuid.UUID) -> Response:
    """Cancel it, as it was seen."""
    now = runtime().clock.now()
    hall = find_hall(session_id, ORGANISE, now=now)
    try:
        _check_seen(hall.row)
        view = organise.cancel(current_actor(), session_id, now=now)
    except ConflictError as error:
        return _cancel_page(session_id, now=now, error=error)
    return _on(view, "cancelled")


def _cancel_page(session_id: uuid.UUID, *, now: datetime, error: DomainError | None = None) -> Response:
    hall = find_hall(session_id, ORGANISE, now=now)
    possible = hall.phase in {Phase.DRAFT, Phase.ENROLLING, Phase.SIGN_IN, Phase.UNDER_WAY}
    return page(
        "hall/cancel.html", status=status_of(error).value if error else 200, hall=hall, possible=possible, error=error
    )


def _form(hall: Hall | None, values: FormValues, *, error: DomainError | None = None) -> Response:
    row = hall.row if hall is not None else None
    errors = session_form.shown_errors(error.fields) if error else {}
    return page(
        "hall/form.html",
        status=status_of(error).value if error else 200,
        hall=hall,
        values=values,
        error=error,
        errors=errors,
        elsewhere=[text for name, texts in errors.items() if name not in session_form.LABELS for text in texts],
        **_news(row, error),
        kinds=list(words.names("session_kinds").items()),
        regions=session_form.region_choices(current_actor(), [values["region_code"]]),
        audience=session_form.region_choices(current_actor(), values["audience_regions"]),
        roles=[(role.value, name) for role, name in ROLE_NAMES.items()],
    )


def _news(row: TrainingSession | None, error: DomainError | None) -> dict[str, Any]:
    """What the form was opened with, and what changed under it."""
    if row is None:
        return {"seen": "", "news": []}
    present = session_form.values_of(row)
    conflict = error is not None and error.code == "version_conflict"
    changed = session_form.changed_since(request.form.get("seen", ""), present) if conflict else {}
    news = [(session_form.LABELS[name], now) for name, now in changed.items()]
    return {"seen": session_form.seen_text(present), "news": news}


def _sent_version() -> int:
    """The version that was seen.

    Raises:
        InvalidError: `validation_failed`: the form is not whole.
    """
    text = request.form.get("version", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text
    return int(forms.load(_Version, {"version": number})["version"])


def _check_seen(row: TrainingSession) -> None:
    """Refuse to publish or cancel what is no longer what was seen.

    Raises:
        ConflictError: `version_conflict`.
    """
    if _sent_version() != row.version:
        raise version_conflict(version=row.version, state=row.state)


def _on(view: SessionView, done: str) -> Response:
    return see(f"/hall/{view.row.id}?done={done}{'&overlaps=1' if view.overlaps else ''}")
