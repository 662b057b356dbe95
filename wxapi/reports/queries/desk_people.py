"""Who is there to take a report at a desk."""

from collections.abc import Callable
from datetime import date

from sqlalchemy.orm import Session

from wxapi.identity.queries import staffed_among
from wxapi.reports.rules.relations import HANDS


def staffing(session: Session, *, today: date) -> Callable[[str], bool]:
    """How routing asks whether somebody is appointed who can accept a report at a desk."""

    def staffed(desk_code: str) -> bool:
        at_and_above = [desk_code[:digits] for digits in (4, 6, 9, 12) if digits <= len(desk_code)]
        return bool(staffed_among(session, at_and_above, HANDS[len(desk_code)], today=today))

    return staffed
