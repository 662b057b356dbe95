"""`flask --app wsgi doctor`: whether what this installation needs is there, one line each."""

import os
import socket
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import click
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from flask.cli import with_appcontext
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from wxapi.kernel.clock import SystemClock
from wxapi.platform import audit_grants, keys, migrate
from wxapi.platform.commands import sentence_of
from wxapi.platform.db import db
from wxapi.platform.heartbeat import schedule_silent
from wxapi.platform.rewrap import names_in
from wxapi.platform.runtime import runtime
from wxapi.platform.sealed import sealed_columns

_TIMEOUT_S = 5
_CLOCKS_APART_S = 30
# Where an app keeps what its features let look at.
_KEY = "wxapi.doctor"


class FaultError(Exception):
    """What is wrong, as a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """One line of the doctor.

    Args:
        name: what is looked at.
        look: says in some words what it found, or raises `FaultError`.
    """

    name: str
    look: Callable[[], str]


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Look at settings, database, keys, store, Redis, WeChat, clock, boundaries. Exit code 1 if something is wrong."""
    ill = 0
    for check in (*CHECKS, *current_app.extensions[_KEY]):
        try:
            click.echo(f"ok    {check.name}: {check.look()}")
        except (FaultError, DBAPIError, RedisError) as error:
            ill += 1
            click.echo(f"WRONG {check.name}: {_said(error)}")
            db.session.rollback()
    if ill:
        sys.exit(1)


def install(app: Flask, checks: tuple[DoctorCheck, ...]) -> None:
    """Let the doctor look at what features have of their own, after the platform's."""
    app.extensions[_KEY] = checks


def _said(error: Exception) -> str:
    if isinstance(error, DBAPIError):
        return sentence_of(error) or f"the database says {type(error.orig).__name__}."
    return "Redis at REDIS_URL does not answer." if isinstance(error, RedisError) else str(error)


def _settings() -> str:
    config = runtime().config
    if config.unknown:
        raise FaultError(f"nobody reads {', '.join(config.unknown)}; misspelt?")
    return f"{config.env}, city folder {config.city_folder or 'as shipped'}"


def _schema() -> str:
    want = ScriptDirectory.from_config(migrate.alembic_config(runtime().config.database_url)).get_current_head()
    found = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    if found != want:
        raise FaultError(
            f"the database stands at {found}, this release wants {want}: run `flask --app wsgi database upgrade`."
        )
    return str(found)


def _rights() -> str:
    """Whether the role that the product runs as may do what it needs to."""
    if tables := audit_grants.lacking(db.session()):
        raise FaultError(
            f"this role may not use {', '.join(tables)} as it needs: run `flask --app wsgi audit grant` as the owner."
        )
    return "on every table"


def _keys() -> str:
    """Which keys were noted, and which the sealed values name. Reads each of those columns whole."""
    if faults := keys.missing(db.session(), runtime().config):
        raise FaultError(" ".join(faults))
    known = {key.name for key in runtime().config.encryption_keys}
    needed = {name for column, _ in sealed_columns() for name in names_in(db.session(), column)}
    if missing := needed - known:
        raise FaultError(
            f"data are sealed with {', '.join(sorted(missing))}: put that key back into WXAPI_ENCRYPTION_KEYS."
        )
    return f"data need {', '.join(sorted(needed)) or 'none'}"


def _store() -> str:
    condition = runtime().storage.condition()
    if condition != "ok":
        raise FaultError({"full": "less than 256 MiB are left.", "away": "it cannot be written to."}[condition])
    return "writable" if runtime().config.storage_url.startswith("file:") else "S3, not asked"


def _redis() -> str:
    runtime().redis.ping()
    return "answers"


def _wechat() -> str:
    """Name, connection and certificate, directly; a proxy of the environment is not used."""
    parts = urlsplit(runtime().config.wechat_base_url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((host, port), _TIMEOUT_S) as connection:
            if parts.scheme == "https":
                with ssl.create_default_context().wrap_socket(connection, server_hostname=host):
                    pass
    except socket.gaierror:
        raise FaultError(f"the name {host} is not known here (DNS).") from None
    except ssl.SSLError as error:
        raise FaultError(f"its certificate is not believed: {error.reason}.") from None
    except TimeoutError:
        raise FaultError(f"{host}:{port} did not answer within {_TIMEOUT_S} s (firewall?).") from None
    except OSError as error:
        raise FaultError(f"{host}:{port} cannot be reached: {os.strerror(error.errno or 0)}.") from None
    return f"{host} can be reached"


def _clock() -> str:
    apart = abs(
        float(db.session.scalar(text("SELECT extract(epoch FROM clock_timestamp())")) or 0)
        - SystemClock().now().timestamp()
    )
    if apart > _CLOCKS_APART_S:
        raise FaultError(f"this machine and the database are {apart:.0f} s apart.")
    return f"{apart:.1f} s from the database"


def _schedule() -> str:
    if silent := schedule_silent(runtime().clock.now()):
        raise FaultError(f"no scheduler has been at work for {silent} s: does `python -m workers` run?")
    return "at work"


CHECKS = (
    DoctorCheck("settings", _settings),
    DoctorCheck("schema", _schema),
    DoctorCheck("rights", _rights),
    DoctorCheck("keys", _keys),
    DoctorCheck("store", _store),
    DoctorCheck("redis", _redis),
    DoctorCheck("wechat", _wechat),
    DoctorCheck("clock", _clock),
    DoctorCheck("schedule", _schedule),
)
