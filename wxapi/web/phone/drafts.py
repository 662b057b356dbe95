"""What drafts on a phone are known by."""

from wxapi.platform.guard import current_actor
from wxapi.platform.runtime import runtime

_PURPOSE = "web.drafts"
_LENGTH = 16


def owner_mark() -> str:
    """Whose drafts these are: a phone may be passed on, and what one person wrote is not sent as another's."""
    return runtime().cipher.digest(str(current_actor().user_id), purpose=_PURPOSE).hex()[:_LENGTH]
