"""The room of whoever holds a phone: file a report, follow it, sign in to a training."""

from wxapi.web.phone.blueprint import room
from wxapi.web.phone.views import filing, following, mine, signing

__all__ = ["filing", "following", "mine", "room", "signing"]
