"""What was ticked in a list."""

import uuid
from collections.abc import Callable, Sequence

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import DomainError, ForbiddenError, InvalidError
from wxapi.platform.one_by_one import one_by_one

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


def picked_as_seen(texts: Sequence[str]) -> dict[uuid.UUID, str]:
    """The same for `id:state`: what each stood at when it was ticked.

    Raises:
        InvalidError: as above.
    """
    parted = [text.partition(":") for text in texts]
    ids = picked([text for text, _, _ in parted])
    states = {uuid.UUID(text): state for text, _, state in parted}
    return {each: states[each] for each in ids}


def decide_each(ids: Sequence[uuid.UUID], decide: Callable[[Actor, uuid.UUID], object]) -> dict[uuid.UUID, DomainError]:
    """Decide one after the other; returns what was refused.

    Raises:
        ForbiddenError: `right_ended_midway`, with how many were decided until then.
    """
    steps = one_by_one(ids, decide)
    refused = {each: error for each, error in zip(ids, steps.refusals, strict=True) if error is not None}
    if steps.over is not None:
        done, left = len(ids) - len(refused), len(refused)
        raise ForbiddenError("right_ended_midway", f"已处理 {done} 项，其余 {left} 项未处理：您的登录或任职已结束。")
    return refused
