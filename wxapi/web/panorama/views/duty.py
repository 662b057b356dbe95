"""One duty with its card: the unit appeals against it, the one above decides."""

import uuid

from flask import Response, request

from wxapi.duties.rules.clock import appeal_until
from wxapi.duties.services import appeal
from wxapi.duties.services.appeal import NewAppeal
from wxapi.duties.wire import AppealBody, AppealDecisionBody
from wxapi.kernel.errors import DomainError, NotFoundError
from wxapi.kernel.permissions import Permission
from wxapi.platform.db import db
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.problems import status_of
from wxapi.platform.runtime import runtime
from wxapi.web.kit import forms, words
from wxapi.web.kit.photos import kept_photos, photos_after_refusal, sent_photos
from wxapi.web.kit.render import page, see
from wxapi.web.panorama.blueprint import room

_DONE = {"appeal": "申诉已提交，等待上级单位处理", "decision": "处理结果已告知承办单位"}


@room.get("/work/<uuid:duty_id>")
@guard(Permission.WORK)
def show_duty(duty_id: uuid.UUID) -> Response:
    """What is owed, its card, and what was said against it."""
    return _duty(duty_id, done=_DONE.get(request.args.get("done", "")))


@room.post("/work/<uuid:duty_id>")
@guard(Permission.WORK)
def answer_card(duty_id: uuid.UUID) -> Response:
    """Appeal against the card, or with `decision` decide on the appeal. A refusal keeps what was typed."""
    actor, now = current_actor(), runtime().clock.now()
    try:
        if request.form.get("what") == "decision":
            decided = forms.load(AppealDecisionBody, forms.filled("decision", "note"))
            appeal.decide_appeal(actor, duty_id, **decided, now=now)
            return see(f"/work/{duty_id}?done=decision")
        said = forms.load(AppealBody, {**forms.filled("note"), "photo_ids": list(sent_photos())})
        appeal.appeal(actor, duty_id, NewAppeal(said["note"], tuple(said["photo_ids"])), now=now)
    except NotFoundError:
        raise
    except DomainError as error:
        return _duty(duty_id, error=error)
    return see(f"/work/{duty_id}?done=appeal")


def _duty(duty_id: uuid.UUID, *, error: DomainError | None = None, done: str | None = None) -> Response:
    actor, now = current_actor(), runtime().clock.now()
    found = appeal.read_duty(db.session(), actor, duty_id, now=now)
    carded_at = found.duty.duty.carded_at
    return page(
        "panorama/duty.html",
        status=status_of(error).value if error else 200,
        view=found.duty,
        may_open=found.duty.duty.subject_type == "report" and actor.may(Permission.DESK),
        said=found.said,
        may_appeal=found.may_appeal,
        may_decide=found.may_decide,
        until=appeal_until(carded_at) if carded_at else None,
        decisions=words.names("appeal_decisions"),
        typed=forms.filled("note", "decision"),
        kept=kept_photos(photos_after_refusal()) if error else [],
        error=error,
        done=done,
    )
