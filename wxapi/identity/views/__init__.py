"""The routes of identity, all on one blueprint."""

from wxapi.identity.views import me, offices, people, signed_in
from wxapi.identity.views.routes import blueprint

__all__ = ["blueprint", "me", "offices", "people", "signed_in"]
