"""Every way into the product that could tell of a report, taken from the URL map: a new route joins by itself.

What names a report in an address is filled twice, with what is there and with what was never there: to somebody the
report is hidden from both must be the same.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Flask

from tests import places
from tests.answers import words_of
from tests.factories import Person
from tests.reporting import COUNTY, TOWNSHIP, VILLAGE
from tests.web.browsing import Browser
from wxapi.kernel.clock import local_day
from wxapi.platform.runtime import runtime
from wxapi.reports.rules import workflow
from wxapi.reports.rules.state import ReportState

STATES = ",".join(ReportState)
_ARGUMENT = re.compile(r"<(?:[^<>:]+:)?([a-z_]+)>")
# Names in addresses that belong to a report; the others are filled with what has nothing to do with one.
OF_REPORT = ("report_id", "number", "photo_id", "duty_id", "check_id", "message_id")
_NOTHING = str(uuid.UUID(int=7))
OTHERS = {
    "appointment_id": _NOTHING,
    "certificate_id": _NOTHING,
    "check_code": "none",
    "code": VILLAGE,
    "export_id": _NOTHING,
    "flag_id": _NOTHING,
    "import_id": _NOTHING,
    "login_id": "none",
    "person_id": _NOTHING,
    "region": TOWNSHIP,
    "request_id": _NOTHING,
    "scene": "none",
    "series_id": _NOTHING,
    "session_id": _NOTHING,
    "user_id": _NOTHING,
}
LEFT_OUT = {
    "/api/v1/files/<path:key>": "opens with a signature, which whoever may see the photo was given",
    "/api/v1/openapi.json": "the same for everybody",
    "/api/v1/regions/<string:code>/mini-program-code": "drawn by WeChat",
    "/api/v1/training/sessions/<uuid:session_id>/mini-program-code": "drawn by WeChat",
    "/api/v1/wechat/push": "WeChat's own",
    "/assets/<path:name>": "the same for everybody",
    "/confirm": "a code of its own",
    "/docs": "the same for everybody",
    "/healthz": "the operator's",
    "/metrics": "the operator's",
    "/readyz": "the operator's",
}
_BOX = f"west={places.WEST}&south={places.SOUTH}&east={places.WEST + 0.1}&north={places.SOUTH + 0.1}&coord_type=gcj02"
# What is asked beside the bare address.
QUERIES: dict[str, tuple[str, ...]] = {
    "/api/v1/appointments": (f"?region={TOWNSHIP}", f"?region={VILLAGE}&when=coming"),
    "/api/v1/audit": ("?limit=100", "?subject=report:{report_id}"),
    "/api/v1/duties": ("?limit=100", "?state=met&limit=100", "?state=overdue", f"?region={VILLAGE}"),
    "/api/v1/matters": (f"?region={VILLAGE}",),
    "/api/v1/me/messages": ("?limit=100",),
    "/api/v1/panorama": ("", f"?region={VILLAGE}", f"?region={COUNTY}"),
    "/api/v1/panorama/map": ("?coord_type=gcj02&geometry=false", f"?coord_type=gcj02&measure=filed&region={TOWNSHIP}"),
    "/api/v1/panorama/points": (f"?{_BOX}",),
    "/api/v1/panorama/trend": ("?measure=filed", f"?measure=filed&region={VILLAGE}"),
    "/api/v1/regions/locate": ("?longitude=112.205&latitude=30.305&coord_type=gcj02&accuracy=10",),
    "/api/v1/reports": (
        f"?scope=desk&limit=100&state={STATES}",
        f"?scope=desk&sort=-created&region={VILLAGE}&state={STATES}",
        f"?scope=desk&category=X02&state={STATES}",
        "?scope=desk&overdue=true",
        "?scope=desk&card=yellow",
        "?scope=desk&q={number}",
        f"?scope=mine&limit=100&state={STATES}",
    ),
    "/api/v1/reports/nearby": ("?longitude=112.207&latitude=30.305&coord_type=gcj02&category_code=X0201",),
    "/api/v1/statistics": (
        "?set=reports",
        f"?set=reports&group_by=class&region={VILLAGE}",
        f"?set=reports&group_by=unit&region={TOWNSHIP}&class=X02",
    ),
    "/api/v1/statistics/confidential": (f"?county={COUNTY}&quarter=2026-Q4",),
    "/api/v1/training/coverage": (f"?region={COUNTY}&since=2026-01-01",),
    "/api/v1/work": ("?scope=unit&limit=100", "?scope=mine", "?scope=unit&overdue=true"),
    "/desk": ("", f"?state={STATES}", "?q={number}", f"?region={VILLAGE}&category=X02"),
    "/desk/map": ("", f"?region={VILLAGE}&state={STATES}"),
    "/desk/r/<string:number>": ("", f"?state={STATES}"),
    "/desk/r/<string:number>/merge": ("", "?into={number}", "?into={other}"),
    "/m": ("", "?tab=inbox"),
    "/m/new/nearby": ("?longitude=112.207&latitude=30.305&coord_type=gcj02&category_code=X0201",),
    "/statistics": ("", f"?region={VILLAGE}&group_by=class"),
    "/work": ("", "?scope=below", "?scope=appeals", "?overdue=true"),
}
# What the form of a page that names a report carries.
FORMS: dict[str, tuple[dict[str, Any], ...]] = {
    "/desk/moderation/<uuid:check_id>": ({"decision": "hide"},),
    "/desk/r/<string:number>": ({"action": "note", "version": "1", "note": "说明"},),
    "/desk/r/<string:number>/merge": ({"into": "{other}", "version": "1"}, {"into": "{number}", "version": "1"}),
    "/m/messages/<uuid:message_id>": ({},),
    "/m/r/<string:number>": ({"action": "note", "version": "1", "note": "说明"},),
    "/work/<uuid:duty_id>": (
        {"what": "appeal", "note": "说明"},
        {"what": "decision", "decision": "lift", "note": "说明"},
    ),
}
# The audit tells of its own reading, and the list of one's sessions of each session.
TELLS_OF_ITSELF = frozenset({"/api/v1/audit", "/audit", "/api/v1/audit/refusals", "/audit/refusals"})
# Seals, keys and nonces of a page are random; the request's id is its own; the audit repeats what its readers asked.
_RANDOM = re.compile(
    r'subject=report:[0-9a-f-]{36}|<input type="hidden"[^>]*>|nonce="[^"]*"|"request_id":\s*"[^"]*"|data-(?:once|csrf)="[^"]*"|请提供编号 [0-9a-f]+'
)


@dataclass(frozen=True, slots=True)
class Way:
    """An address with the names in it still open."""

    rule: str
    template: str

    @property
    def of_one(self) -> bool:
        """Whether it names a report, or what belongs to one."""
        return any(f"{{{name}}}" in self.template for name in (*OF_REPORT, "other"))


def ways(app: Flask, method: str) -> list[Way]:
    """Every address of a method that tells something."""
    found = []
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if method not in (rule.methods or ()) or rule.rule in LEFT_OUT or rule.endpoint == "static":
            continue
        unknown = rule.arguments - {*OF_REPORT, *OTHERS}
        assert not unknown, f"{rule.rule}: does {unknown} name what belongs to a report? Say so above."
        template = _ARGUMENT.sub(lambda part: OTHERS.get(part[1], f"{{{part[1]}}}"), rule.rule)
        queries = QUERIES.get(rule.rule, ("",)) if method == "GET" else ("",)
        found += [Way(rule.rule, template + query) for query in queries]
    assert method != "GET" or {way.rule for way in found} >= QUERIES.keys(), "a route is gone"
    return found


@dataclass(frozen=True)
class Names:
    """What belongs to one report, by the name it has in addresses; several of one name are tried one by one."""

    real: Mapping[str, tuple[str, ...]]

    def pairs(self, way: Way, other: str) -> Iterator[tuple[str, str, dict[str, str]]]:
        """The address with what is there, the same with what never was, and what stands for what in their answers."""
        named = [name for name in OF_REPORT if f"{{{name}}}" in way.template]
        if not named:
            yield way.template.format(other=other), way.template.format(other=other), {}
            return
        for value in self.real.get(named[0], ()):
            sham = SHAM_NUMBER if named[0] == "number" else str(uuid.uuid5(uuid.NAMESPACE_OID, value))
            fill = {"other": other, named[0]: value}
            yield way.template.format(**fill), way.template.format(**fill | {named[0]: sham}), {value: sham}


SHAM_NUMBER = "JZ-00000000"


@dataclass
class Visitor:
    """Somebody with a phone and a browser."""

    person: Person
    browser: Browser = field(init=False)
    _csrf: str | None = None

    def __post_init__(self) -> None:
        self.browser = Browser(self.person.app).sign_in(self.person)

    def read(self, path: str) -> tuple[int, str]:
        """Status and text of an address, without what is random in it."""
        api = path.startswith("/api/v1")
        answer = self.person.get(path.removeprefix("/api/v1")) if api else self.browser.get(path)
        return answer.status_code, _RANDOM.sub("", words_of(answer)) + str(answer.location or "")

    def send(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, str]:
        """Status and text of what is sent, as JSON or as a form of a page."""
        if path.startswith("/api/v1"):
            headers = {"Idempotency-Key": uuid.uuid4().hex}
            answer = self.person.call(method, path.removeprefix("/api/v1"), json=body, headers=headers)
        else:
            data = {"csrf": self._seal(), "once": uuid.uuid4().hex, **body}
            answer = self.browser.client.post(path, data=data, headers={"Accept": "text/html"})
        return answer.status_code, _RANDOM.sub("", words_of(answer)) + str(answer.location or "")

    def _seal(self) -> str:
        if self._csrf is None:
            field = self.browser.page("/account").select_one("input[name=csrf]")
            assert field is not None
            self._csrf = str(field["value"])
        return self._csrf


def inputs(action: str, *, desk: str, into: str, picture: Callable[[], str]) -> dict[str, Any]:
    """Something for everything an action of the table must carry; a new input fails until it has a value here."""
    given = {
        "note": lambda: "说明",
        "reason_code": lambda: "weather",
        "desk_code": lambda: desk,
        "review_on": (local_day(runtime().clock.now()) + timedelta(days=9)).isoformat,
        "days": lambda: 2,
        "into": lambda: into,
        "photo_ids": lambda: [picture()],
    }
    needed = {name for row in workflow.rows_of(action) for name in row.needs}
    return {name: given[name]() for name in sorted(needed)}


def bodies(app: Flask) -> dict[str, Any]:
    """Of each operation of the API the example of its body, by method and address."""
    document = app.test_client().get("/api/v1/openapi.json").get_json()
    found = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}) if isinstance(operation, dict) else {}
            for media in content.values():
                found[f"{method.upper()} {path}"] = media.get("example")
    return found
