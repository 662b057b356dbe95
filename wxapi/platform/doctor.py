"""`flask --app wsgi doctor`: whether what this installation needs is there, one line each."""

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
from wxapi.platform.commands import sentence_of, speaking
from wxapi.platform.db import db
from wxapi.platform.heartbeat import UNKNOWN_S, schedule_silent
from wxapi.platform.rewrap import names_in
from wxapi.platform.runtime import runtime
from wxapi.platform.sealed import sealed_columns
from wxapi.platform.wechat.errors import WeChatError

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
    with speaking():
        told: dict[str, str] = {}
        ill = sum(not _finds_well(check, told) for check in (*CHECKS, *current_app.extensions[_KEY]))
    if ill:
        sys.exit(1)


def _finds_well(check: DoctorCheck, told: dict[str, str]) -> bool:
    """Look, and say what was found; a sentence that an earlier line has `told` is not said again."""
    try:
        found = check.look()
    except (FaultError, DBAPIError, RedisError) as error:
        said = _said(error)
        first = told.setdefault(said, check.name)
        click.echo(f"WRONG {check.name}: {said if first == check.name else f'the same as {first}, above.'}")
        db.session.rollback()
        return False
    click.echo(f"ok    {check.name}: {found}")
    return True


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
    scripts = ScriptDirectory.from_config(migrate.alembic_config(runtime().config.database_url))
    want = scripts.get_current_head()
    found = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    if found != want and found not in {each.revision for each in scripts.walk_revisions()}:
        raise FaultError(
            f"the database stands at {found}, of a newer release; this one ends at {want} and may serve on it only "
            "until that release does again (docs/operations.md, Upgrade)."
        )
    if found != want:
        raise FaultError(
            f"the database stands at {found}, this release wants {want}: run `flask --app wsgi database upgrade`."
        )
    return str(found)


def _database() -> str:
    """Whether it takes writes: after a failover DATABASE_URL may name what is a standby now."""
    if db.session.scalar(text("SELECT current_setting('transaction_read_only') = 'on'")):
        raise FaultError("it takes no writes: DATABASE_URL names a standby, or default_transaction_read_only is on.")
    return "takes writes"


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


# Why no answer came → the sentence, behind the host's name.
_NO_ANSWER = {
    "dns": "its name is not known here (DNS).",
    "tls": "its certificate is not believed: is a proxy in between, whose certificate REQUESTS_CA_BUNDLE must name?",
    "proxy": "the proxy of the environment (https_proxy) does not hand on.",
    "refused": "the connection is refused.",
    "timeout": "it does not answer in time (firewall?).",
    "connection": "the connection breaks off.",
    "status": "something answers that is not WeChat.",
    None: "something answers that is not WeChat.",
}
# errcode → what the operator mends; WeChat's console is mp.weixin.qq.com, 开发管理.
_REFUSED = {
    40013: "it does not know WECHAT_APPID.",
    40001: "WECHAT_SECRET is not this mini program's.",
    40125: "WECHAT_SECRET is not this mini program's.",
    40243: "the AppSecret is frozen; WeChat's console thaws it.",
    40164: "this machine's address is not in the mini program's list of addresses (IP 白名单).",
}


def _wechat() -> str:
    """As the product asks: by the same proxy, believing the same certificates, with the same account."""
    host = urlsplit(runtime().config.wechat_base_url).hostname
    try:
        runtime().wechat.introduce()
    except WeChatError as error:
        if error.errcode is None:
            raise FaultError(f"{host}: {_NO_ANSWER[error.cause]}") from None
        said = _REFUSED.get(error.errcode, "it refuses.")
        raise FaultError(f"{host}: {said} (errcode {error.errcode}, rid {error.rid})") from None
    return f"{host} answers and knows this mini program"


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
        since = "yet" if silent == UNKNOWN_S else f"for {silent} s"
        raise FaultError(f"no scheduler has been at work {since}: does `python -m workers` run?")
    return "at work"


CHECKS = (
    DoctorCheck("settings", _settings),
    DoctorCheck("database", _database),
    DoctorCheck("schema", _schema),
    DoctorCheck("rights", _rights),
    DoctorCheck("keys", _keys),
    DoctorCheck("store", _store),
    DoctorCheck("redis", _redis),
    DoctorCheck("wechat", _wechat),
    DoctorCheck("clock", _clock),
    DoctorCheck("schedule", _schedule),
)
