"""One action on many reports: each is a step of its own, answered by itself."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import DomainError, not_found
from wxapi.platform.one_by_one import one_by_one
from wxapi.reports.queries.reports import find_on_desk
from wxapi.reports.rules.action_input import ActionRequest
from wxapi.reports.services.act import act

# Never resolve or refuse: those want an eye on each case.
BULK_ACTIONS = (
    "accept",
    "assign_desk",
    "hand_on",
    "note",
    "approve_hold",
    "deny_hold",
    "approve_extension",
    "deny_extension",
)
MOST = 50


@dataclass(frozen=True, slots=True)
class BulkItem:
    """One report, and the version of it that was seen."""

    number: str
    version: int


@dataclass(frozen=True, slots=True)
class BulkAnswer:
    """What became of one report; `refusal` is None where the action was taken."""

    number: str
    refusal: DomainError | None


def act_on_many(items: Iterable[BulkItem], request: ActionRequest, *, now: datetime) -> list[BulkAnswer]:
    """Take one action on each of the reports, for who asks, as long as they may."""

    def take(actor: Actor, item: BulkItem) -> None:
        found = find_on_desk(actor, item.number)
        if found is None:
            raise not_found()
        act(actor, found.report.id, replace(request, version=item.version), now=now)

    picked = list(items)
    steps = one_by_one(picked, take)
    return [BulkAnswer(item.number, refusal) for item, refusal in zip(picked, steps.refusals, strict=True)]
