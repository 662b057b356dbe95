"""`/healthz` (this process), `/readyz` (what it needs), `/metrics`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from wxapi.kernel.clock import SystemClock
from wxapi.kernel.permissions import Permission
from wxapi.platform import conditions, metrics
from wxapi.platform.audit_grants import lacking
from wxapi.platform.db import db
from wxapi.platform.guard import guard
from wxapi.platform.http import quiet
from wxapi.platform.keys import missing
from wxapi.platform.outbox import STRANDED
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response

blueprint = Blueprint("health", __name__)

# Older than this, work is not being done.
_LAG_LIMIT_S = 60
# Where the relay hands work over, by RQ's names; an export may wait for another one, which takes its minutes.
QUEUES = ("routing", "light", "outgoing", "photos")
# What `_database` may find while requests are answered.
_SERVES = frozenset({"ok", "read_only"})
# A table or a column is not there.
_NO_SCHEMA = frozenset({"42P01", "42703"})
_DUE = "NOT dead AND due_at <= now() + :ahead"
_OUTBOX = text(
    f"SELECT coalesce(extract(epoch FROM now() + :ahead - min(due_at) FILTER (WHERE {_DUE})), 0),"  # noqa: S608 - constants
    f" count(*) FILTER (WHERE {_DUE}), count(*) FILTER (WHERE dead),"
    f" count(*) FILTER (WHERE {STRANDED.replace('%(ahead)s', ':ahead')}),"
    " CAST(current_setting('transaction_read_only') AS boolean) FROM outbox"
)


@blueprint.get("/healthz")
@guard(Permission.PUBLIC)
@quiet
def healthz() -> Response:
    """Whether the process answers at all; it looks at nothing else."""
    return json_response({"status": "ok"})


@blueprint.get("/readyz")
@guard(Permission.PUBLIC)
@quiet
def readyz() -> Response:
    """Database and rights in it, keys, Redis, file store, outbox lag, open WeChat circuits, conditions of features.

    503 only when nothing can be served: the database is away or empty, or data need a key that is missing. One that is
    only read, a standby, serves whoever looks.
    """
    database, outbox = _database()
    serves = database in _SERVES
    rights = _rights() if serves else "unknown"
    keys = _keys() if serves else "unknown"
    told = _conditions() if serves else {}
    waited = _waited_s()
    redis = waited is not None
    # What was handed over and nobody has begun is not due again, and as late.
    outbox["lag_seconds"] = max(outbox["lag_seconds"], waited or 0.0)
    storage = runtime().storage.condition()
    circuits = runtime().wechat.circuits()
    late = outbox["lag_seconds"] > _LAG_LIMIT_S or outbox["dead"] > 0 or outbox["stranded"] > 0
    unavailable = not serves or keys == "missing"
    well = database == storage == rights == "ok" and redis and not circuits
    degraded = not well or late or any(told.values())
    body = {
        "status": "unavailable" if unavailable else "degraded" if degraded else "ok",
        "database": database,
        "rights": rights,
        "keys": keys,
        "redis": "ok" if redis else "away",
        "storage": storage,
        "outbox": outbox,
        "wechat_circuits": circuits,
        "conditions": told,
    }
    response = json_response(body, 503 if unavailable else 200)
    if unavailable:
        response.headers["Retry-After"] = "5"
    return response


@blueprint.get("/metrics")
@guard(Permission.PUBLIC)
@quiet
def exposition() -> Response:
    """The metrics of all processes in Prometheus' text format."""
    database, outbox = _database()
    if database in _SERVES:
        _conditions()
    metrics.outbox_due.set(outbox["due"])
    metrics.outbox_dead.set(outbox["dead"])
    return Response(metrics.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _database() -> tuple[str, dict[str, Any]]:
    """`ok`, `read_only`, `away` or, where `database upgrade` has not been run, `no_schema`; and what waits."""
    try:
        ahead = {"ahead": runtime().clock.ahead()}
        lag, due, dead, stranded, read_only = db.session.execute(_OUTBOX, ahead).one()
    except SQLAlchemyError as error:
        db.session.rollback()
        state = getattr(getattr(error, "orig", None), "sqlstate", None)
        condition = "no_schema" if state in _NO_SCHEMA else "away"
        return condition, {"lag_seconds": 0, "due": 0, "dead": 0, "stranded": 0}
    waiting = {"lag_seconds": round(float(lag), 1), "due": due, "dead": dead, "stranded": stranded}
    return "read_only" if read_only else "ok", waiting


def _keys() -> str:
    """`missing`: of several processes one may have settings that another's data outgrew. Which: `flask doctor`."""
    try:
        return "missing" if missing(db.session(), runtime().config) else "ok"
    except SQLAlchemyError:
        db.session.rollback()
        return "unknown"


def _rights() -> str:
    """`missing`: the role may not use a table as it needs to. Which: `flask doctor`."""
    try:
        return "missing" if lacking(db.session()) else "ok"
    except SQLAlchemyError:
        db.session.rollback()
        return "unknown"


def _conditions() -> Mapping[str, int]:
    """What features have to tell; nothing where the database went away meanwhile."""
    try:
        return conditions.counted(runtime().clock.now())
    except SQLAlchemyError:
        db.session.rollback()
        return {}


def _waited_s() -> float | None:
    """For how long the work has waited that each queue gives next, the longest; None where Redis is away."""
    redis = runtime().redis
    try:
        redis.ping()
        pipeline = redis.pipeline(transaction=False)
        for queue in QUEUES:
            pipeline.lindex(f"rq:queue:{queue}", 0)
        first = [name.decode() for name in pipeline.execute() if name is not None]
        for name in first:
            pipeline.hget(f"rq:job:{name}", "created_at")
        written = [at.decode() for at in pipeline.execute() if at is not None] if first else []
    except RedisError:
        return None
    now = SystemClock().now()  # these times are the machine's, whatever the product's clock says
    return round(max([0.0, *((now - at).total_seconds() for at in map(_instant, written) if at)]), 1)


def _instant(written: str) -> datetime | None:
    """A time as RQ writes it, in UTC; None where a later release writes it otherwise: that must not end `/readyz`."""
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
