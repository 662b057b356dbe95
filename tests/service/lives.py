"""Random lives of many reports: what statistics count, made by the product's own services."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests import reporting
from tests.factories import People, Person
from tests.reporting import NEIGHBOUR, OTHER_VILLAGE, TOWNSHIP, VILLAGE, Town
from wxapi.duties.services import climb
from wxapi.kernel.clock import FixedClock
from wxapi.platform.runtime import runtime
from wxapi.reports.services import timers

# Its worker has something to do when it ends.
LIVED_SEED = 10
CLASSES = ("E0102", "E0101", "E0104")
VILLAGES = (VILLAGE, NEIGHBOUR, OTHER_VILLAGE)
# What each does most often when it is theirs to do; the rest by chance.
_FIELDS: dict[str, dict[str, Any]] = {
    "return": {"reason_code": "not_ours", "note": "不在本村"},
    "refuse": {"reason_code": "not_a_problem", "note": "现场无此问题"},
    "hand_on": {"note": "在邻村"},
    "ask": {"note": "在哪个单元？"},
    "answer": {"note": "三单元"},
    "dispute": {"note": "没有清干净"},
    "reopen": {"note": "又出现了"},
    "appeal": {"note": "请再看看"},
    "request_extension": {"note": "需要材料", "days": 2},
    "confirm": {"rating": 4},
    "escalate": {"note": "请关注"},
    "note": {"note": "已联系"},
}


def live(
    town: Town, clock: FixedClock, chance: Random, *, reports: int, steps: int, category: str | None = None
) -> None:
    """File some reports and let everybody act on them at random, hours apart; sweeps and climb run in between."""
    filed = [
        reporting.file_routed(town.reporter, chance.choice(VILLAGES), category_code=category or chance.choice(CLASSES))
        for _ in range(reports)
    ]
    people = (town.worker, town.colleague, town.neighbour, town.officer, town.supervisor, town.reporter, town.chief)
    for _ in range(steps):
        clock.advance(hours=chance.choice((1, 3, 20, 40)))
        report, person = chance.choice(filed), chance.choice(people)
        _act(person, report["id"], clock, chance)
        if chance.random() < 0.3:
            for sweep in (timers.close_silent, timers.resume_holds, timers.remind, timers.mark_overdue, climb.climb):
                sweep(now=clock.now())


def _act(person: Person, report_id: str, clock: FixedClock, chance: Random) -> None:
    seen = person.get(f"/reports/{report_id}")
    if seen.status_code != 200:
        return
    offered = [action for action in seen.json["available_actions"] if action not in {"note", "merge", "escalate"}]
    if not offered:
        return
    action = chance.choice(offered)
    fields = dict(_FIELDS.get(action, {}))
    if action in {"assign_desk", "hand_on"}:
        fields["desk_code"] = chance.choice((VILLAGE, NEIGHBOUR, TOWNSHIP))
    if action == "request_hold":
        day = (clock.now() + timedelta(days=9)).date().isoformat()
        fields = {"reason_code": "weather", "note": "连日下雨", "review_on": day}
    if action == "resolve":
        fields = {"note": "已清运", "photo_ids": [reporting.photo(person)]}
    command = {"action": action, "version": seen.json["version"], **fields}
    answer = person.post(f"/reports/{report_id}/actions", command)
    assert answer.status_code in {200, 409, 422, 403}, answer.json


def merge_some(town: Town, chance: Random) -> None:
    """Merge two open reports of one desk, where there are two."""
    rows = town.worker.get("/reports?scope=desk&limit=50").json["items"]
    if len(rows) < 2:
        return
    one, other = chance.sample(rows, 2)
    command = {"action": "merge", "version": one["version"], "into": other["id"]}
    town.worker.post(f"/reports/{one['id']}/actions", command)


@dataclass(frozen=True)
class LivedTown:
    """A town some of whose reports have lived, and the time at which that ended."""

    town: Town
    now: datetime


def settle(people: People) -> LivedTown:
    """Settle the town and let it live; the clock is put back."""
    clock = runtime().clock
    assert isinstance(clock, FixedClock)
    began, town = clock.at, reporting.settle(people)
    try:
        live_and_merge(town, clock, LIVED_SEED)
        return LivedTown(town, clock.at)
    finally:
        clock.at = began


def live_and_merge(town: Town, clock: FixedClock, seed: int) -> None:
    """Eight reports that live, two of them merged, and four that come later."""
    chance = Random(seed)
    live(town, clock, chance, reports=8, steps=60)
    merge_some(town, chance)
    live(town, clock, chance, reports=4, steps=20)
