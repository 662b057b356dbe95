"""说明: what a file says of itself in the words of offices: who asked for it, when, and for what."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from wxapi.duties.services.work import kinds
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import SHANGHAI, local_day
from wxapi.kernel.coordinates import Datum
from wxapi.kernel.permissions import ROLE_NAMES, ROLES_OF, Permission
from wxapi.platform.db import db
from wxapi.regions.rules.levels import LEVEL_NAMES, Level
from wxapi.regions.services.lookup import tree
from wxapi.reports.rules.categories import all_categories
from wxapi.reports.rules.state import STATE_NAMES
from wxapi.supervision.rules.measures import DEFINITIONS_VERSION
from wxapi.supervision.services import statistics
from wxapi.supervision.services.export_files import Note
from wxapi.supervision.services.export_kinds import WantedExport, question_of
from wxapi.units.queries import unit_names

_CALLED = {
    "region": "区域",
    "from": "起始日期",
    "to": "截止日期（不含）",
    "state": "状态",
    "open": "仅未结",
    "overdue": "超期",
    "category": "类别",
    "class": "类别",
    "card": "督办牌",
    "q": "检索词",
    "type": "事项类型",
    "stage": "环节",
    "rung": "已用时限（%）",
    "unit": "单位",
    "group_by": "分组方式",
    "level": "层级",
}
_DATUMS = {Datum.GCJ02: "GCJ-02", Datum.WGS84: "WGS-84"}
_CARDS = {"yellow": "黄牌", "red": "红牌"}
_DUTY_STATES = {"open": "未办", "overdue": "超期未办", "stopped": "计时暂停", "met": "已办"}


def note_of(actor: Actor, wanted: WantedExport, rows: int, now: datetime) -> Note:
    """The note of a file: the office that asked, never the person."""
    held = next(each for each in actor.appointments if each.role in ROLES_OF[Permission.EXPORT])
    region = tree().get(held.region_code)
    asked = "；".join(_told(_chosen(actor, wanted, now))) or "无"
    return Note(
        (
            ("说明", ""),
            ("导出单位", f"{region.full_name if region else held.region_code} {ROLE_NAMES[held.role]}"),
            ("导出时间", f"{now.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"),
            ("筛选条件", asked),
            ("坐标系", _DATUMS[wanted.datum] if wanted.datum else "无"),
            ("统计口径版本", DEFINITIONS_VERSION),
            ("行数", str(rows)),
        )
    )


def _chosen(actor: Actor, wanted: WantedExport, now: datetime) -> Mapping[str, Any]:
    """The filter; of figures with what counting took where nothing was said, or nobody knew of which days they are."""
    if wanted.kind != "statistics":
        return wanted.filter
    counted = statistics.wanted_of(actor, question_of(wanted.filter), today=local_day(now))
    return {
        "region": counted.region,
        "from": counted.since.isoformat(),
        "to": counted.until.isoformat(),
        "stage": counted.stage,
        "group_by": counted.group_by,
        "level": counted.level if counted.group_by == "place" else None,
        "class": counted.class_code,
        "unit": counted.unit,
    }


def _told(chosen: Mapping[str, Any]) -> Iterator[str]:
    for name, zh in _CALLED.items():
        value = chosen.get(name)
        if value is not None and value != "":
            yield f"{zh}：{_value(name, value)}"


def _value(name: str, value: Any) -> str:
    """One value as people read it; a code whose name does not say enough stands behind it."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if name in {"region", "unit"}:
        named = unit_names(db.session(), [value])[value]
        return named if named == value else f"{named}（{value}）"
    if name == "state":
        return "、".join(_states().get(each, each) for each in value.split(","))
    return str(_words(name).get(value, value))


def _states() -> Mapping[str, str]:
    return _DUTY_STATES | {state.value: zh for state, zh in STATE_NAMES.items()}


def _words(name: str) -> Mapping[str, str]:
    subjects = kinds().values()
    classes = {code: each.name for code, each in all_categories().items()}
    words: Mapping[str, Mapping[str, str]] = {
        "category": classes,
        "class": classes,
        "card": _CARDS,
        "type": {kind.type: kind.zh for kind in subjects},
        "stage": {stage: zh for kind in subjects for stage, zh in kind.stages.items()},
        "group_by": statistics.GROUPING_NAMES,
        "level": {level.value: LEVEL_NAMES[level] for level in Level},
    }
    return words.get(name, {})
