"""The room at the door: the way in, one's own account, and where printed codes lead."""

from wxapi.web.login.blueprint import room
from wxapi.web.login.views import accounts, codes, confirming, docs, entrance

__all__ = ["accounts", "codes", "confirming", "docs", "entrance", "room"]
