"""The room of those who look at a whole: work at hand, figures, the panorama, files to take along."""

from wxapi.web.panorama.blueprint import room
from wxapi.web.panorama.views import auditing, duty, exports, overview, statistics, work

__all__ = ["auditing", "duty", "exports", "overview", "room", "statistics", "work"]
