"""Jobs about people."""

from uuid import UUID

from wxapi.identity.services import erasure
from wxapi.notifications.services import browsers
from wxapi.platform.runtime import runtime


def tell_of_browser(*, session_id: str) -> None:
    """Tell a person that a browser was signed in as them."""
    browsers.tell_of_browser(UUID(session_id), now=runtime().clock.now())


def erase_person(*, user_id: str) -> None:
    """Forget a person everywhere."""
    erasure.erase(UUID(user_id), now=runtime().clock.now())
