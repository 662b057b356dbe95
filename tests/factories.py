"""People and places for tests, written through the product's own services."""

import base64
import itertools
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from wxapi.identity.models import Token
from wxapi.identity.queries import digest_of
from wxapi.identity.services.appointments import NewAppointment, add_appointment
from wxapi.identity.services.login import register_openid
from wxapi.kernel.actor import Actor, Appointment
from wxapi.kernel.ids import new_token
from wxapi.kernel.permissions import Role
from wxapi.platform.db import transaction
from wxapi.platform.runtime import runtime

# A Monday, 10:00 in Shanghai: office hours.
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """A signed-in person: what services take (`actor`) and what requests carry (`token`)."""

    app: Flask
    actor: Actor
    token: str

    def call(self, method: str, path: str, **kwargs: Any) -> TestResponse:
        """Send a request as this person; `/api/v1` is added."""
        headers = {"Authorization": f"Bearer {self.token}", **kwargs.pop("headers", {})}
        return self.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, **kwargs)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.call("GET", path, **kwargs)

    def post(self, path: str, json: Any = None, *, key: str | None = None, **kwargs: Any) -> TestResponse:
        headers = {"Idempotency-Key": key} if key else {}
        return self.call("POST", path, json=json, headers=headers, **kwargs)


class People:
    """Makes people in the app's database."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def make(self, *appointments: tuple[Role, str], openid: str | None = None) -> Person:
        """A person with `(role, region code)` appointments in force; the regions must be there."""
        now = runtime().clock.now()
        token = new_token()
        with transaction() as session:
            user = register_openid(session, openid or f"test-{next(_numbers)}", now=now)
            session.add(Token(digest=digest_of(token), user_id=user.id, created_at=now, last_used_at=now))
            for role, code in appointments:
                wanted = NewAppointment(user.id, role, code)
                add_appointment(session, wanted, starts_on=date(2026, 1, 1), appointed_by=None, now=now)
        held = tuple(Appointment(role, code) for role, code in appointments)
        return Person(self._app, Actor(user.id, held), token)


def random_key() -> str:
    """An Idempotency-Key."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
