"""What can be exported, in which formats, with which columns; and whether what was asked for is that."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from wxapi.kernel.actor import Actor
from wxapi.kernel.coordinates import Datum
from wxapi.kernel.errors import InvalidError
from wxapi.kernel.permissions import Permission
from wxapi.supervision.queries.exports import DUTY_COLUMNS, REPORT_COLUMNS
from wxapi.supervision.queries.periods import refuse_reversed
from wxapi.supervision.rules.measures import COUNTED, MEASURES
from wxapi.supervision.services import statistics
from wxapi.supervision.services.statistics import Question

_STATISTICS = (
    ("key", "代码"),
    ("name", "名称"),
    *((measure.name, measure.zh) for measure in MEASURES if measure.name in COUNTED),
    *((measure.name, measure.zh) for measure in MEASURES if measure.denominator is not None),
)


@dataclass(frozen=True, slots=True)
class ExportKind:
    """What can be exported, in which formats, with which columns (code, heading)."""

    formats: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]


KINDS: Mapping[str, ExportKind] = {
    "reports": ExportKind(("csv", "xlsx", "geojson"), tuple((each.code, each.zh) for each in REPORT_COLUMNS)),
    "duties": ExportKind(("csv", "xlsx"), tuple((each.code, each.zh) for each in DUTY_COLUMNS)),
    "statistics": ExportKind(("csv", "xlsx"), _STATISTICS),
}
_POSITION = {"longitude", "latitude"}


@dataclass(frozen=True, slots=True)
class WantedExport:
    """What a person asks for; `columns` None takes all."""

    kind: str
    format: str
    filter: Mapping[str, Any]
    columns: tuple[str, ...] | None = None
    datum: Datum | None = None


def check(actor: Actor, wanted: WantedExport, *, today: date) -> None:
    """Whether a person may have what they ask for: when they ask, and again when the file is made.

    Raises:
        InvalidError: `format_not_for_kind`, `unknown_column`, `coord_type_missing`, `period_invalid`; for figures also
            `grouping_not_available`.
        NotFoundError: the filter names a region outside the person's.
    """
    kind = KINDS[wanted.kind]
    if wanted.format not in kind.formats:
        raise InvalidError("format_not_for_kind", "该内容不能导出为所选格式。", fields={"format": ["不支持。"]})
    known = {code for code, _ in kind.columns}
    unknown = [column for column in wanted.columns or () if column not in known]
    if unknown:
        raise InvalidError("unknown_column", "没有所选的列。", fields={"columns": [f"没有列“{unknown[0][:30]}”。"]})
    placed = wanted.format == "geojson" or (wanted.kind == "reports" and bool(_POSITION & set(wanted.columns or known)))
    if placed and wanted.datum is None:
        raise InvalidError("coord_type_missing", "导出坐标时须注明坐标系。", fields={"coord_type": ["必填。"]})
    _check_filter(actor, wanted, today)


def _check_filter(actor: Actor, wanted: WantedExport, today: date) -> None:
    if wanted.filter.get("region"):
        statistics.own_region(actor, wanted.filter["region"], Permission.EXPORT)
    if wanted.kind == "statistics":
        statistics.wanted_of(actor, question_of(wanted.filter), today=today)
        return
    refuse_reversed(*(date.fromisoformat(day) if day else None for day in map(wanted.filter.get, ("from", "to"))))


def question_of(asked: Mapping[str, Any]) -> Question:
    """The question of a filter of kind `statistics`."""
    days = {name: date.fromisoformat(asked[name]) if asked.get(name) else None for name in ("from", "to")}
    return Question(
        group_by=asked.get("group_by") or "place",
        stage=asked.get("stage") or "resolve",
        region=asked.get("region"),
        level=asked.get("level"),
        since=days["from"],
        until=days["to"],
        class_code=asked.get("class"),
        unit=asked.get("unit"),
    )
