"""The product on the database of a benchmark."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from flask import Flask

from benchmarks._million import NOW, City
from config import Config
from wxapi.app import create_app
from wxapi.demo import embedded
from wxapi.demo.settings import DemoSettings, keys_of, product_environment
from wxapi.identity.services.appointments import NewAppointment, add_appointment
from wxapi.identity.services.login import register_openid
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.platform.db import db, transaction


@contextmanager
def product(big: City) -> Iterator[Flask]:
    """The product on the big city's database."""
    with tempfile.TemporaryDirectory() as name, embedded.redis_url() as redis_url:
        folder = Path(name)
        settings = DemoSettings("127.0.0.1", 8000, 8001, folder, None, None, None)
        keys = keys_of(folder, database_exists=False)
        made = product_environment(settings, keys, database_url=big.url, redis_url=redis_url)
        made |= {"WXAPI_LOG_LEVEL": "WARNING", "WXAPI_RATE_LIMITS": "off"}
        app = create_app(Config.from_env(made), clock=FixedClock(NOW))
        yield app
        with app.app_context():
            db.engine.dispose()


def appointed(app: Flask, name: str, role: Role, region: str) -> uuid.UUID:
    """A person with an office; returns their id."""
    with app.app_context(), transaction() as session:
        user = register_openid(session, name, now=NOW)
        add_appointment(
            session, NewAppointment(user.id, role, region), starts_on=date(2026, 1, 1), appointed_by=None, now=NOW
        )
        return user.id
