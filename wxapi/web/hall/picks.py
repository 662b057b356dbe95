"""What was ticked in a list."""

import uuid
from collections.abc import Callable, Sequence

from wxapi.kernel.errors import DomainError, InvalidError
from wxapi.platform.db import commit_so_far

MOST = 50


def picked(texts: Sequence[str]) -> list[uuid.UUID]:
    """The ids that were ticked, each once.

    Raises:
        InvalidError: none, too many, or not what the page wrote.
    """
    if not 1 <= len(texts) <= MOST:
        raise InvalidError("bulk_size", f"请先勾选 1–{MOST} 人或项后再操作。")
    try:
        return list(dict.fromkeys(uuid.UUID(text) for text in texts))
    except ValueError:
        raise InvalidError("bulk_item_invalid", "所选内容有误，请刷新页面后重试。") from None


def decide_each(ids: Sequence[uuid.UUID], decide: Callable[[uuid.UUID], object]) -> dict[uuid.UUID, DomainError]:
    """Decide one after the other; returns what was refused. What one refuses changes nothing for the others."""
    refused: dict[uuid.UUID, DomainError] = {}
    for each in ids:
        # A refusal rolls back: what was decided before it must stand.
        commit_so_far()
        try:
            decide(each)
        except DomainError as error:
            refused[each] = error
    return refused
