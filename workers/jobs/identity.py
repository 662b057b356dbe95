"""Jobs about people."""

from uuid import UUID

from wxapi.identity.services import erasure
from wxapi.platform.runtime import runtime


def erase_person(*, user_id: str) -> None:
    """Forget a person everywhere."""
    erasure.erase(UUID(user_id), now=runtime().clock.now())
