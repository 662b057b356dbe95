"""The room of those who look at a whole: work at hand, figures, the panorama, files to take along."""

from wxapi.web.panorama.blueprint import room
from wxapi.web.panorama.views import auditing, exports, overview, statistics, work

__all__ = ["auditing", "exports", "overview", "room", "statistics", "work"]
