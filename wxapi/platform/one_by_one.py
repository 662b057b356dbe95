"""Many things under one request, each a step of its own: what one is refused changes nothing for the others."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import DomainError
from wxapi.platform.db import commit_so_far
from wxapi.platform.guard import TRIES, RightsChangedError, ask_again, current_actor, rights_changing

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Steps:
    """What became of each.

    Attributes:
        refusals: in the order of the items; None where it was done.
        over: why none after some item was tried: the right ended. Nothing is read for the person any more.
    """

    refusals: list[DomainError | None]
    over: DomainError | None


def one_by_one(items: Iterable[ItemT], do: Callable[[Actor, ItemT], object]) -> Steps:
    """Do each. Where the right ends half way, what was done stays and is answered so; the rest is refused.

    Args:
        items: each once.
        do: one `transaction()`, for the person with the rights as they are by then.
    """
    refusals: list[DomainError | None] = []
    over: DomainError | None = None
    for item in items:
        if over is None:
            # A refusal rolls back: what was done before it must stand.
            commit_so_far()
            refusal, over = _one(item, do)
        else:
            refusal = over
        refusals.append(refusal)
    return Steps(refusals, over)


def _one(item: ItemT, do: Callable[[Actor, ItemT], object]) -> tuple[DomainError | None, DomainError | None]:
    """What it was refused, and whether that is for all that follow, too."""
    for _ in range(TRIES):
        try:
            do(current_actor(), item)
        except RightsChangedError:
            try:
                ask_again()
            except DomainError as ended:
                return ended, ended
        except DomainError as error:
            return error, None
        else:
            return None, None
    return rights_changing(), None
