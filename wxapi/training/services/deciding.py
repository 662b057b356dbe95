"""Deciding what waits for an organiser: once, and with who decided, when and in which words."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ConflictError
from wxapi.training.rules.attendance import FlagDecision, RollDecision


class Undecided(Protocol):
    """A flag or a request for leave, locked; `decision` is None until somebody has decided."""

    decision: str | None
    note: str
    decided_by: uuid.UUID | None
    decided_at: datetime | None


def decide_once(
    item: Undecided,
    decision: FlagDecision | RollDecision,
    *,
    note: str,
    actor: Actor,
    now: datetime,
    refused: Callable[[str], ConflictError],
) -> bool:
    """Write the decision; returns False where the same one stands already.

    Args:
        item: the row, locked.
        decision: what the organiser says.
        note: in their words; may be empty.
        actor: the organiser.
        now: the present instant.
        refused: makes of the decision that stands the refusal for whoever decides otherwise.

    Raises:
        ConflictError: `already_decided`, another decision stands.
    """
    if item.decision == decision:
        return False
    if item.decision is not None:
        raise refused(item.decision)
    item.decision, item.note = decision.value, note
    item.decided_by, item.decided_at = actor.user_id, now
    return True
