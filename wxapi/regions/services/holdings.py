"""What other features keep by region, and hand on when a region is closed. Each registers itself in `wxapi.app`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import Flask, current_app
from sqlalchemy.orm import Session

from wxapi.regions.rules.changes import RegionMove

_EXTENSION = "wxapi.region_holdings"


@dataclass(frozen=True, slots=True)
class RegionHolding:
    """Something that lies with a region and goes on when the region is closed.

    Args:
        name: stable English name.
        zh: what operators read.
        count: how many there are at some codes that must go on.
        move: hand them on, each with its line of history or audit; returns how many. Twice is as good as once.
    """

    name: str
    zh: str
    count: Callable[[Session, Sequence[str], datetime], int]
    move: Callable[[Session, Sequence[RegionMove], datetime], int]


def install(app: Flask, holdings: Sequence[RegionHolding]) -> None:
    """Register what the features above keep by region, in the order in which it is handed on."""
    app.extensions[_EXTENSION] = tuple(holdings)


def counted(session: Session, codes: Sequence[str], now: datetime) -> dict[str, int]:
    """Chinese name → how many, of everything that there is at these codes."""
    found = {holding.zh: holding.count(session, codes, now) for holding in _holdings()} if codes else {}
    return {zh: count for zh, count in found.items() if count}


def move(session: Session, moves: Sequence[RegionMove], now: datetime) -> dict[str, int]:
    """Hand everything on, in the caller's transaction; Chinese name → how many."""
    found = {holding.zh: holding.move(session, moves, now) for holding in _holdings()} if moves else {}
    return {zh: count for zh, count in found.items() if count}


def _holdings() -> tuple[RegionHolding, ...]:
    return cast("tuple[RegionHolding, ...]", current_app.extensions[_EXTENSION])
