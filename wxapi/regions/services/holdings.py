"""What other features keep by region, and hand on when a region is closed. Each registers itself in `wxapi.app`."""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
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
        rows: ids of what there is, where each can be handed on by itself.
        move_rows: hand on these, as `move` does all.
    """

    name: str
    zh: str
    count: Callable[[Session, Sequence[str], datetime], int]
    move: Callable[[Session, Sequence[RegionMove], datetime], int]
    rows: Callable[[Session, Sequence[str], datetime], Sequence[uuid.UUID]] | None = None
    move_rows: Callable[[Session, Sequence[RegionMove], datetime, Collection[uuid.UUID]], int] | None = None


@dataclass(frozen=True, slots=True)
class HoldingPart:
    """What can be handed on without the rest: all of a holding at one region, or one row of it. Its text names it."""

    holding: RegionHolding
    at: str | uuid.UUID

    def __str__(self) -> str:
        return f"{self.holding.name} {self.at}"


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


def parts(session: Session, codes: Sequence[str], now: datetime) -> list[HoldingPart]:
    """What there is to hand on at these codes, in the order in which it is."""
    return [
        HoldingPart(holding, at)
        for holding in _holdings()
        for at in (codes if holding.rows is None else holding.rows(session, codes, now))
    ]


def move_parts(session: Session, some: Sequence[HoldingPart], moves: Sequence[RegionMove], now: datetime) -> int:
    """Hand these parts on, in the caller's transaction; returns how much."""
    by_code: dict[str | uuid.UUID, RegionMove] = {move.old: move for move in moves}
    moved = 0
    for holding, its in groupby(some, key=attrgetter("holding")):
        places = [part.at for part in its]
        if holding.move_rows is not None:
            moved += holding.move_rows(session, moves, now, [at for at in places if isinstance(at, uuid.UUID)])
        else:
            moved += holding.move(session, [by_code[at] for at in places if at in by_code], now)
    return moved


def _holdings() -> tuple[RegionHolding, ...]:
    return cast("tuple[RegionHolding, ...]", current_app.extensions[_EXTENSION])
