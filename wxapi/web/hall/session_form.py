"""The form of a session: what a stored one looks like in it, and the body that training's own schema judges."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import request

from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import SHANGHAI
from wxapi.kernel.permissions import ROLE_NAMES, ROLES_OF, Permission
from wxapi.regions.services.lookup import tree
from wxapi.training.models import TrainingSession
from wxapi.web.kit import forms, words

FormValues = dict[str, Any]

_TIMES = ("starts_at", "ends_at")
_WHOLE_FIELDS = ("capacity", "sign_in_opens_min", "late_after_min", "offline_hours", "radius_m")
_PLACE = ("longitude", "latitude")
_TEXTS = ("title", "kind", "region_code", "place", *_TIMES, *_WHOLE_FIELDS, *_PLACE, "credit_hours")
_TICKS = ("sign_out", "parallel")
_LISTS = ("audience_regions", "audience_roles")
_WHOLE, _DECIMAL = re.compile(r"[0-9]{1,9}"), re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")
_FORM_TIME = "%Y-%m-%dT%H:%M"
_LONGEST_SEEN = 20_000
LABELS = {
    "title": "名称",
    "kind": "类型",
    "region_code": "组织区域",
    "place": "地点",
    "starts_at": "开始时间",
    "ends_at": "结束时间",
    "capacity": "名额",
    "credit_hours": "学时",
    "sign_in_opens_min": "提前签到",
    "late_after_min": "迟到界限",
    "offline_hours": "离线补传时限",
    "longitude": "会场经度",
    "latitude": "会场纬度",
    "radius_m": "签到范围",
    "sign_out": "签退",
    "parallel": "由他人主持",
    "audience_regions": "参加区域",
    "audience_roles": "参加职务",
}
# Where the schema's names of a refusal stand in the form.
_SHOWN_AT = {
    "location": "longitude",
    "location.longitude": "longitude",
    "location.latitude": "latitude",
    "audience": "audience_regions",
    "audience.region_codes": "audience_regions",
    "audience.roles": "audience_roles",
}


def fresh_values(actor: Actor) -> FormValues:
    """An empty form, with what most sessions have."""
    regions = actor.regions(ROLES_OF[Permission.TRAINING_ORGANISE])
    usual = {"kind": "lecture", "sign_in_opens_min": "30", "late_after_min": "10", "offline_hours": "24"}
    return {**dict.fromkeys(_TEXTS, ""), **usual, "region_code": regions[0] if regions else "", **_nothing_ticked()}


def values_of(row: TrainingSession) -> FormValues:
    """A stored session as its form shows it."""
    texts: FormValues = {name: _text(getattr(row, name)) for name in _TEXTS}
    ticks = {name: getattr(row, name) for name in _TICKS}
    lists = {"audience_regions": list(row.audience_region_codes), "audience_roles": list(row.audience_roles)}
    return {**texts, **ticks, **lists}


def sent_values() -> FormValues:
    """What the form that was sent holds, as it was typed."""
    filled = forms.filled(*_TEXTS)
    return {
        **{name: filled.get(name, "") for name in _TEXTS},
        **{name: name in request.form for name in _TICKS},
        **{name: request.form.getlist(name) for name in _LISTS},
    }


def body_of(values: Mapping[str, Any], row: TrainingSession | None) -> dict[str, Any]:
    """The form as a body of the API. What a form does not show stays as it is: the list of persons, the series."""
    body: dict[str, Any] = {name: values[name] for name in ("title", "kind", "region_code", "place")}
    body |= {name: _instant(values[name]) for name in _TIMES}
    body |= {name: _number(values[name], _WHOLE, int) for name in _WHOLE_FIELDS if values[name]}
    if values["credit_hours"]:
        body["credit_hours"] = _number(values["credit_hours"], _DECIMAL, float)
    place = {name: _number(values[name], _DECIMAL, float) for name in _PLACE if values[name]}
    if place:
        body["location"] = {**place, "coord_type": "gcj02"}
    listed = [str(user_id) for user_id in row.audience_user_ids] if row is not None else []
    body["audience"] = {
        "region_codes": values["audience_regions"],
        "roles": values["audience_roles"],
        "user_ids": listed,
    }
    if row is not None and row.series_id is not None:
        body["series_id"] = str(row.series_id)
    # An empty text is a field left out, so that the schema says that it is missing.
    filled = {name: value for name, value in body.items() if value != "" or name == "place"}
    return {**filled, **{name: values[name] for name in _TICKS}}


def shown_errors(fields: Mapping[str, Any]) -> dict[str, list[str]]:
    """The sentences of a refusal by the fields of the form."""
    found: dict[str, list[str]] = {}
    for name, sentences in fields.items():
        plain = re.sub(r"\.[0-9]+$", "", name)
        found.setdefault(_SHOWN_AT.get(plain, plain), []).extend(sentences)
    return found


def seen_text(values: FormValues) -> str:
    """What the form shows at first: it comes back with it, to tell what somebody else changed since."""
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def changed_since(seen: str, present: FormValues) -> dict[str, str]:
    """Field → what it holds now, of the fields that somebody else changed since the form was opened."""
    try:
        before = json.loads(seen) if len(seen) <= _LONGEST_SEEN else None
    except (ValueError, RecursionError):
        before = None
    if not isinstance(before, dict):
        return {}
    return {name: _readable(name, value) for name, value in present.items() if before.get(name) != value}


def region_choices(actor: Actor, also: Sequence[str] = ()) -> list[tuple[str, str]]:
    """(code, name) of the organiser's regions, of those right below, and of some more."""
    regions = tree()
    found: dict[str, str] = {}
    for code in actor.regions(ROLES_OF[Permission.TRAINING_ORGANISE]):
        own = regions.get(code)
        if own is not None:
            found[own.code] = own.name
            found |= {below.code: f"　{below.name}" for below in regions.children(own.code)}
    found |= {code: regions[code].full_name for code in also if code in regions and code not in found}
    return list(found.items())


def _nothing_ticked() -> FormValues:
    return {**dict.fromkeys(_TICKS, False), **{name: [] for name in _LISTS}}


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.astimezone(SHANGHAI).strftime(_FORM_TIME) if isinstance(value, datetime) else str(value)


def _instant(text: str) -> str:
    """A time of the form, which is Chinese time, with its offset."""
    try:
        return datetime.strptime(text, _FORM_TIME).replace(tzinfo=SHANGHAI).isoformat()
    except ValueError:
        return text


def _number(text: str, form: re.Pattern[str], make: type[int] | type[float]) -> Any:
    return make(text) if form.fullmatch(text) else text


def _readable(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        names = (
            ROLE_NAMES if name == "audience_roles" else {code: tree()[code].name for code in value if code in tree()}
        )
        return "、".join(str(names.get(code, code)) for code in value) or "不限"
    if name == "kind":
        return words.name("session_kinds", value)
    if name == "region_code":
        return tree()[value].full_name if value in tree() else str(value)
    return str(value).replace("T", " ") or "未填写"
