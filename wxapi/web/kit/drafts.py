"""What drafts in a browser are known by."""

import re

from wxapi.platform.runtime import runtime
from wxapi.web.kit.access import page_actor

_PURPOSE = "web.drafts"
_LENGTH = 16
_MARKED = re.compile(rf"[^.]*\.([0-9a-f]{{{_LENGTH}}})")


def owner_mark() -> str:
    """Whose drafts these are: a browser may be passed on, and what one person wrote is not shown or sent as another's.

    Empty for a stranger.
    """
    actor = page_actor()
    return runtime().cipher.digest(str(actor.user_id), purpose=_PURPOSE).hex()[:_LENGTH] if actor else ""


def mark_of(seal: str) -> str:
    """The mark behind a form's seal: whose page the form was made for. Empty where there is none."""
    found = _MARKED.fullmatch(seal)
    return found[1] if found else ""
