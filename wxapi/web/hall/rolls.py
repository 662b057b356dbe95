"""The roll's filters as they stand in the address, and its tabs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from marshmallow import fields

from wxapi.training.queries.roll import RollFilter
from wxapi.training.rules.attendance import MANUAL, NOT_COME, SIGN_IN_OVERRIDES, STATE_NAMES, State
from wxapi.training.wire.requests import RollQuery
from wxapi.web.kit import forms

ON_A_PAGE = 50
# Whom a steward's tick signs in.
TICKABLE = frozenset(state.value for state in SIGN_IN_OVERRIDES)
MANUAL_CHOICES = [(state.value, name) for state, name in STATE_NAMES.items() if state in MANUAL]


class HallRollQuery(RollQuery):
    """The query of `GET …/attendance`, and those who have not come."""

    missing = fields.Boolean(load_default=False)


@dataclass(frozen=True, slots=True)
class RollTab:
    """A tab above the roll: what it is called, where it leads, how many it holds, whether it is open."""

    label: str
    href: str
    count: int
    current: bool


def wanted_of(args: Mapping[str, str]) -> tuple[RollFilter, str | None]:
    """What an address asks for, and the cursor; fields that a form left empty narrow nothing.

    Raises:
        InvalidError: `validation_failed`.
    """
    given = {name: value for name, value in args.items() if value and name not in {"done", "limit"}}
    query: dict[str, Any] = forms.load(HallRollQuery, given)
    cursor = query.pop("cursor")
    del query["limit"]
    return RollFilter(**query), cursor


def tabs_of(path: str, args: Mapping[str, str], counts: Mapping[str, int]) -> list[RollTab]:
    """The tabs; a search stays when one is chosen."""
    kept = {"q": args["q"]} if args.get("q") else {}
    chosen = {name: args[name] for name in ("state", "missing", "late_upload", "walk_in") if args.get(name)}

    def tab(label: str, count: int, **narrowed: str) -> RollTab:
        query = urlencode(narrowed | kept)
        return RollTab(label, f"{path}?{query}" if query else path, count, chosen == narrowed)

    return [
        tab("全部", counts["total"]),
        tab("未到", sum(counts[state] for state in NOT_COME), missing="true"),
        tab("迟到", counts[State.LATE], state=State.LATE.value),
        tab("待核", counts[State.NEEDS_REVIEW], state=State.NEEDS_REVIEW.value),
        tab("请假", counts[State.ON_LEAVE], state=State.ON_LEAVE.value),
        tab("离线补传", counts["late_upload"], late_upload="true"),
        tab("现场加入", counts["walk_in"], walk_in="true"),
    ]
