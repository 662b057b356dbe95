"""A person takes back in WeChat's settings what WeChat had passed on: it goes here, too."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from wxapi.identity.models import User
from wxapi.platform import audit


def withdraw(session: Session, user: User, what: Iterable[str], *, now: datetime) -> None:
    """Forget the `nickname` or `phone` of a person, in the caller's transaction. Harmless when repeated."""
    for name in what:
        if name == "phone":
            user.phone_digest = user.phone_sealed = None
        elif name == "nickname":
            user.nickname = ""
        audit.record(session, None, "user.withdrawn", subject=f"user:{user.id}", at=now, what=name)
