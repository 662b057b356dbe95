"""What other features keep by unit, and hand on when a unit is closed. Each registers itself in `wxapi.app`."""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import Flask, current_app
from sqlalchemy.orm import Session

from wxapi.kernel.errors import ConflictError
from wxapi.platform.db import db

_EXTENSION = "wxapi.unit_holdings"


@dataclass(frozen=True, slots=True)
class UnitClosing:
    """A unit that is closed: who goes on for it (None: nobody), who closed it (None: its region was), and when."""

    unit_code: str
    successor_code: str | None
    by: uuid.UUID | None
    at: datetime


def _nothing(_session: Session, _unit_code: str) -> int:
    return 0


def _nobody(_session: Session, _unit_code: str) -> Collection[uuid.UUID]:
    return ()


def _free(_session: Session, _unit_code: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class UnitHolding:
    """Something that lies with a unit and goes on, or ends, when the unit is closed.

    Args:
        name: stable English name.
        move: hand all open ones to the successor, or end them, each with its line of history; returns how many.
        count: how many open ones keep a unit from being closed with nobody to go on.
        people: whose rights that changes: their rows are locked before all others.
        take: lock whoever came to the unit since, without waiting for them; False where somebody else holds one.
    """

    name: str
    move: Callable[[Session, UnitClosing], int]
    count: Callable[[Session, str], int] = _nothing
    people: Callable[[Session, str], Collection[uuid.UUID]] = _nobody
    take: Callable[[Session, str], bool] = _free


def install(app: Flask, holdings: Sequence[UnitHolding]) -> None:
    """Register what the features above keep by unit."""
    app.extensions[_EXTENSION] = tuple(holdings)


def people_of(code: str) -> set[uuid.UUID]:
    """Whose rights the closing of a unit changes, as far as can be told before anything is locked."""
    return {person for holding in _holdings() for person in holding.people(db.session(), code)}


def take(session: Session, code: str) -> bool:
    """Lock whoever came to a unit since its people were locked, without waiting; False where somebody is held."""
    return all(holding.take(session, code) for holding in _holdings())


def hand_over(session: Session, closing: UnitClosing) -> int:
    """Move or end everything that lies with a unit, in the caller's transaction; returns how many.

    Raises:
        ConflictError: `unit_has_open_duties` with `count`, where nobody goes on.
    """
    count = sum(holding.count(session, closing.unit_code) for holding in _holdings())
    if closing.successor_code is None and count:
        raise ConflictError(
            "unit_has_open_duties", f"该单位还有 {count} 件未办事项，请指定承接单位。", extra={"count": count}
        )
    return sum(holding.move(session, closing) for holding in _holdings())


def _holdings() -> tuple[UnitHolding, ...]:
    return cast("tuple[UnitHolding, ...]", current_app.extensions[_EXTENSION])
