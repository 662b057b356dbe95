"""Errors on order: what goes wrong, on which path, for whom, how often."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from wxapi.demo.fake_wechat.exchange import Answer, Call, refusal


@dataclass(slots=True)
class FakeFault:
    """One kind of trouble. `count` calls are hit; -1 means all. `openid` narrows it to one person.

    `errcode` and `http_status` replace the work; `drop` cuts the connection before or after it; `delay` seconds pass
    before the work; `truncate` and `html` spoil the answer of work that was done.
    """

    path: str
    count: int = 1
    openid: str = ""
    errcode: int | str | None = None
    errmsg: str = "fault"
    http_status: int | None = None
    drop: Literal["", "before", "after"] = ""
    delay: float = 0.0
    truncate: bool = False
    html: bool = False

    def instead(self) -> Answer | None:
        """The answer that replaces the work, if any."""
        if self.http_status is not None:
            return Answer(b"<html><body>Bad Gateway</body></html>", "text/html", self.http_status)
        if self.errcode is not None:
            return refusal(self.errcode, self.errmsg)
        return None


def read_fault(given: dict[str, Any]) -> FakeFault:
    """A fault as ordered. Raises ValueError naming what is unknown or missing."""
    known = {one.name for one in fields(FakeFault)}
    if unknown := set(given) - known:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    if "path" not in given:
        raise ValueError("path is missing")
    return FakeFault(**given)


def take(faults: list[FakeFault], call: Call, openid: str) -> FakeFault | None:
    """The first fault that hits this call, counted down."""
    for fault in faults:
        if fault.path == call.path and fault.openid in {"", openid} and fault.count != 0:
            if fault.count > 0:
                fault.count -= 1
            return fault
    return None
