"""The room of training: sessions, the hall's screen, the roll, and what waits for a decision."""

from wxapi.web.hall.blueprint import room
from wxapi.web.hall.views import changing, decisions, persons, roll, screen, sessions, ticking

__all__ = ["changing", "decisions", "persons", "roll", "room", "screen", "sessions", "ticking"]
