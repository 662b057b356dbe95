"""What drafts in a browser are known by."""

from wxapi.platform.runtime import runtime
from wxapi.web.kit.access import page_actor

_PURPOSE = "web.drafts"
_LENGTH = 16


def owner_mark() -> str:
    """Whose drafts these are: a browser may be passed on, and what one person wrote is not shown or sent as another's.

    Empty for a stranger.
    """
    actor = page_actor()
    return runtime().cipher.digest(str(actor.user_id), purpose=_PURPOSE).hex()[:_LENGTH] if actor else ""
