"""The product on the database of a benchmark."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from flask import Flask

from benchmarks._million import NOW, City
from config import Config
from wxapi.app import create_app
from wxapi.demo import embedded
from wxapi.demo.settings import DemoSettings, keys_of, product_environment
from wxapi.identity.models import Token
from wxapi.identity.queries import digest_of
from wxapi.identity.services.appointments import NewAppointment, add_appointment
from wxapi.identity.services.login import register_openid
from wxapi.identity.services.web_sessions import Device, open_session
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.ids import new_token
from wxapi.kernel.permissions import Role
from wxapi.platform.db import db, transaction


@contextmanager
def product(big: City) -> Iterator[Flask]:
    """The product on the big city's database."""
    with tempfile.TemporaryDirectory() as name, embedded.redis_url() as redis_url:
        app = create_app(Config.from_env(_environ(Path(name), big.url, redis_url)), clock=FixedClock(NOW))
        yield app
        with app.app_context():
            db.engine.dispose()


@contextmanager
def environment(url: str) -> Iterator[dict[str, str]]:
    """The environment of a server of the product on a database."""
    with tempfile.TemporaryDirectory() as name, embedded.redis_url() as redis_url:
        made = {**_environ(Path(name), url, redis_url), "PLAIN_DATABASE_URL": url, "PLAIN_POOL": "8"}
        Path(name, "metrics").mkdir()
        yield {**made, "PYTHONPATH": str(Path.cwd())}


def _environ(folder: Path, url: str, redis_url: str) -> dict[str, str]:
    settings = DemoSettings("127.0.0.1", 8000, 8001, folder, None, None, None)
    keys = keys_of(folder, database_exists=False)
    made = product_environment(settings, keys, database_url=url, redis_url=redis_url)
    return {**made, "WXAPI_LOG_LEVEL": "WARNING", "WXAPI_RATE_LIMITS": "off"}


@dataclass(frozen=True)
class Holder:
    """Somebody in office, with a phone and a browser that are signed in."""

    user_id: uuid.UUID
    token: str
    cookie: str


def holder(environ: dict[str, str], name: str, role: Role, region: str) -> Holder:
    """A new person with an office, by a product of their own on its database."""
    app, now = create_app(Config.from_env(environ)), datetime.now(UTC)
    user_id, token = appointed(app, name, role, region), new_token()
    with app.app_context():
        with transaction() as session:
            cookie = open_session(session, user_id, Device("Chrome 浏览器", "10.0.0.5"), now=now)
            session.add(Token(digest=digest_of(token), user_id=user_id, created_at=now, last_used_at=now))
        db.session.remove()
        db.engine.dispose()
    return Holder(user_id, token, cookie)


def appointed(app: Flask, name: str, role: Role, region: str) -> uuid.UUID:
    """A person with an office; returns their id."""
    with app.app_context(), transaction() as session:
        user = register_openid(session, name, now=NOW)
        add_appointment(
            session, NewAppointment(user.id, role, region), starts_on=date(2026, 1, 1), appointed_by=None, now=NOW
        )
        return user.id
