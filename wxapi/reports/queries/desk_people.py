"""Who is there to take a report at a desk."""

from collections.abc import Callable
from datetime import date

from sqlalchemy.orm import Session

from wxapi.identity.queries import staffed_among
from wxapi.regions.rules.levels import path_of
from wxapi.reports.rules.relations import HANDS


def staffing(session: Session, *, today: date) -> Callable[[str], bool]:
    """How routing asks whether somebody is appointed who can accept a report at a desk."""

    def staffed(desk_code: str) -> bool:
        return bool(staffed_among(session, path_of(desk_code), HANDS[len(desk_code)], today=today))

    return staffed
