"""An API that WeChat will not answer for a while is not asked for a while, by any process.

Opened by CONFIG and RIGHTS for ten minutes, by DAY until midnight in Shanghai, where WeChat counts its days, and by
several time-outs in a row for some seconds: who waits for WeChat holds up others.
"""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TypedDict

import structlog

from wxapi.kernel.clock import SHANGHAI, Clock, to_wire
from wxapi.platform.wechat import metrics
from wxapi.platform.wechat.codes import ErrorClass
from wxapi.platform.wechat.errors import CircuitOpenError, WeChatError
from wxapi.platform.wechat.shared import Shared

log = structlog.get_logger(__name__)

_OPEN_FOR = timedelta(minutes=10)
_OPEN_AFTER_TIMEOUTS = 2
_OPEN_WHILE_SLOW = timedelta(seconds=15)
_KEPT_SECONDS = 2 * 24 * 3600


class Circuit(TypedDict):
    """One API that is not called: why, and until when (RFC 3339)."""

    path: str
    error_class: str
    errcode: int | None
    until: str


class Circuits:
    """The open circuits of one account: a hash in Redis, path → circuit, and this process's own copy."""

    def __init__(self, shared: Shared, clock: Clock) -> None:
        self._shared = shared
        self._clock = clock
        self._key = shared.name("circuits")
        self._own: dict[str, Circuit] = {}
        self._timeouts: Counter[str] = Counter()

    def check(self, path: str) -> None:
        """Raise `CircuitOpenError` if `path` is not to be called now."""
        circuit = self._shared.attempt(lambda: self._read(path), lambda: self._own.get(path))
        if circuit is not None and self._is_open(circuit):
            raise CircuitOpenError(path, ErrorClass(circuit["error_class"]), errcode=circuit["errcode"])

    def open(self, error: WeChatError) -> None:
        """Stop calling the API that answered `error`."""
        now = self._clock.now()
        until = _until(error, now)
        circuit = Circuit(path=error.path, error_class=error.error_class, errcode=error.errcode, until=to_wire(until))
        self._own[error.path] = circuit
        self._shared.attempt(lambda: self._write(circuit), lambda: None)
        metrics.circuits_opened.labels(error.path, error.error_class).inc()
        metrics.circuit_open_until.labels(error.path).set(until.timestamp())
        log.error("wechat_circuit_open", alert=True, **circuit)

    def timed_out(self, error: WeChatError) -> None:
        """Count a time-out; the last of several in a row opens the circuit."""
        self._timeouts[error.path] += 1
        if self._timeouts[error.path] >= _OPEN_AFTER_TIMEOUTS:
            self.open(error)

    def answered(self, path: str) -> None:
        """An API answered in time: begin its count of time-outs anew."""
        self._timeouts.pop(path, None)

    def all(self) -> list[Circuit]:
        """The circuits that are open now, by path."""
        found = self._shared.attempt(self._read_all, lambda: list(self._own.values()))
        return sorted((circuit for circuit in found if self._is_open(circuit)), key=lambda circuit: circuit["path"])

    def _is_open(self, circuit: Circuit) -> bool:
        return datetime.fromisoformat(circuit["until"]) > self._clock.now()

    def _read(self, path: str) -> Circuit | None:
        raw = self._shared.redis.hget(self._key, path)
        return None if raw is None else _load(raw)

    def _read_all(self) -> list[Circuit]:
        return [_load(raw) for raw in self._shared.redis.hvals(self._key)]

    def _write(self, circuit: Circuit) -> None:
        with self._shared.redis.pipeline() as pipe:
            pipe.hset(self._key, circuit["path"], json.dumps(circuit))
            pipe.expire(self._key, _KEPT_SECONDS)
            pipe.execute()


def _until(error: WeChatError, now: datetime) -> datetime:
    if error.error_class is ErrorClass.DAY:
        return _next_day(now)
    return now + (_OPEN_WHILE_SLOW if error.cause == "timeout" else _OPEN_FOR)


def _next_day(now: datetime) -> datetime:
    midnight = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight + timedelta(days=1)).astimezone(UTC)


def _load(raw: bytes | str) -> Circuit:
    circuit: Circuit = json.loads(raw)
    return circuit
