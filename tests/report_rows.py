"""Rows of reports for tests of reads: made in the table, as no test can wait for a hundred workflows."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.reporting import VILLAGE
from wxapi.kernel.ids import new_report_number
from wxapi.reports.models import Report

_DUE_IN = timedelta(days=2)


def add_report(
    session: Session,
    *,
    village: str = VILLAGE,
    desk: str | None = "",
    state: str = "accepted",
    created_at: datetime = NOW,
    **changes: Any,
) -> Report:
    """A report on its village's desk unless another is given; with a due time while it is open."""
    desk_code = village if desk == "" else desk
    digits = len(desk_code or "")
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "number": new_report_number("JZ"),
        "version": 1,
        "category_code": "E0102",
        "description": "路口垃圾箱满溢",
        "longitude": 112.25,
        "latitude": 30.31,
        "county_code": village[:6],
        "township_code": village[:9],
        "village_code": village,
        "candidates": [],
        "reporter_label": 27,
        "created_at": created_at,
        "updated_at": created_at,
        "state": state,
        "desk_code": desk_code,
        "desk_county_code": desk_code[:6] if desk_code else None,
        "desk_township_code": desk_code[:9] if desk_code and digits >= 9 else None,
        "desk_village_code": desk_code if digits == 12 else None,
        "due_at": created_at + _DUE_IN if state in {"triage", "routed", "accepted"} else None,
    }
    report = Report(**values | changes)
    session.add(report)
    session.flush()
    return report
