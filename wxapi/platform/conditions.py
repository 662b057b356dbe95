"""What features have of their own that `/readyz` and `/metrics` tell: numbers that are 0 where all is well."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import Flask, current_app
from prometheus_client import Gauge

# Where an app keeps them.
_KEY = "wxapi.conditions"


@dataclass(frozen=True, slots=True)
class Condition:
    """Something an operator must hear of, and how much of it there is.

    Args:
        name: in `/readyz`, which is `degraded` while it is not 0.
        gauge: in `/metrics`.
        count: from the database as it is at the instant; asked at each look, so a few small statements at most.
    """

    name: str
    gauge: Gauge
    count: Callable[[datetime], int]


def install(app: Flask, conditions: Sequence[Condition]) -> None:
    """Let probes and Prometheus hear of what features have to tell."""
    app.extensions[_KEY] = tuple(conditions)


def counted(now: datetime) -> Mapping[str, int]:
    """Name → how much, of all of them; the gauges say the same from now on."""
    found = {}
    for condition in cast("tuple[Condition, ...]", current_app.extensions[_KEY]):
        found[condition.name] = condition.count(now)
        condition.gauge.set(found[condition.name])
    return found
