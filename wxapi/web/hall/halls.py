"""A session as the pages of its hall see it: within reach of the person, with its phase, its times and its counts."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from wxapi.kernel.errors import not_found
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform.guard import current_actor
from wxapi.training.models import TrainingSession
from wxapi.training.queries.session_views import SessionView
from wxapi.training.rules.attendance import State
from wxapi.training.rules.phases import Phase, phase_of
from wxapi.training.rules.windows import Window
from wxapi.training.services import browse
from wxapi.training.services.session_cache import window_of

_HERE = (State.PRESENT, State.LATE, State.LEFT_EARLY, State.NEEDS_REVIEW)
_EXCUSED = (State.ON_LEAVE, State.EXEMPT)


@dataclass(frozen=True, slots=True)
class Hall:
    """A session and where it stands. `organises`: the person may change it; a steward only ticks."""

    view: SessionView
    window: Window
    phase: Phase
    organises: bool

    @property
    def row(self) -> TrainingSession:
        return self.view.row

    @property
    def path(self) -> str:
        """Where its pages begin."""
        return f"/hall/{self.view.row.id}"


@dataclass(frozen=True, slots=True)
class Turnout:
    """How many are there, of how many: everybody on the roll who is not excused."""

    arrived: int
    expected: int


def hall_of(view: SessionView, *, now: datetime) -> Hall:
    """What the pages need to know of a session."""
    row = view.row
    window = window_of(row)
    organises = current_actor().covers(row.region_code, ROLES_OF[Permission.TRAINING_ORGANISE])
    return Hall(view, window, phase_of(row.state, window, now), organises)


def find_hall(session_id: uuid.UUID, permission: Permission, *, now: datetime) -> Hall:
    """A session of the regions where the signed-in person has the permission.

    Raises:
        NotFoundError: not there or outside the scope.
    """
    view = browse.read(current_actor(), session_id)
    if not current_actor().covers(view.row.region_code, ROLES_OF[permission]):
        raise not_found()
    return hall_of(view, now=now)


def turnout_of(counts: Mapping[str, int]) -> Turnout:
    """Who is there and who should be, of the counts of a roll: nobody is there who is not expected."""
    return Turnout(
        arrived=sum(counts[state] for state in _HERE),
        expected=counts["total"] - sum(counts[state] for state in _EXCUSED),
    )
