"""Import a township's list of matters (履职事项清单) from a spreadsheet: all of it, or nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from wxapi.kernel.errors import InvalidError
from wxapi.kernel.text import TextError, clean_text
from wxapi.platform import audit
from wxapi.platform.db import transaction
from wxapi.platform.tables import NumberedRow, RowFault, SheetLimits, missing_columns, read_table, told
from wxapi.regions.services.lookup import refuse_closed, tree
from wxapi.units import queries
from wxapi.units.models import Matter
from wxapi.units.rules import MATTER_KIND_NAMES, MatterKind, is_region, is_unit_code

# The heads of the columns, as an office writes them or as code does.
_COLUMNS = {"代码": "code", "名称": "name", "类别": "kind", "牵头单位代码": "lead_unit_code"}
_TITLES = {name: f"{chinese}（{name}）" for chinese, name in _COLUMNS.items()}
_KINDS = {**{kind.value: kind for kind in MatterKind}, **{name: kind for kind, name in MATTER_KIND_NAMES.items()}}
_LIMITS = SheetLimits(rows=5000, bytes=4 << 20)
# One byte more than a list may have: enough to see that it is too large.
MOST_READ = _LIMITS.bytes + 1
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class NewMatter:
    """One line of the list, and where it stands."""

    row: int
    code: str
    name: str
    kind: MatterKind
    lead_unit_code: str | None


def read_matters(data: bytes) -> list[NewMatter]:
    """Read a CSV or XLSX of the columns code, name, kind, lead_unit_code.

    Raises:
        InvalidError: `unreadable_file`, `too_many_rows`, `list_too_large`; `matters_invalid`, with the first faults in
            `detail`, one a line; `matters_missing`.
    """
    table = read_table(data, _COLUMNS, _LIMITS)
    if missing := [_TITLES[name] for name in _COLUMNS.values() if name not in table.head]:
        raise missing_columns(missing)
    if not table.rows:
        # A mistake rather than a wish: the list that holds would be gone.
        raise InvalidError("matters_missing", "没有任何事项。")
    found, faults = list[NewMatter](), list[RowFault]()
    seen: set[str] = set()
    for numbered in table.rows:
        matter = _judged(numbered, seen)
        if isinstance(matter, RowFault):
            faults.append(matter)
        else:
            found.append(matter)
    _demand_faultless(faults)
    return found


def import_matters(region_code: str, matters: Sequence[NewMatter], *, now: datetime) -> int:
    """Replace the list of a region; returns how many lines it has now.

    Raises:
        InvalidError: `unknown_region`; `matters_invalid`, where a unit that is to lead is none that stands.
    """
    if tree().get(region_code) is None:
        raise InvalidError("unknown_region", f"没有代码为“{region_code[:20]}”的区划。")
    refuse_closed(region_code)
    rows = [
        {
            "region_code": region_code,
            "code": matter.code,
            "name": matter.name,
            "kind": matter.kind.value,
            "lead_unit_code": matter.lead_unit_code,
        }
        for matter in matters
    ]
    with transaction() as session:
        _demand_faultless(_without_lead(session, matters))
        session.execute(delete(Matter).where(Matter.region_code == region_code))
        if rows:
            session.execute(insert(Matter), rows)
        audit.record(session, None, "matters.import", subject=f"region:{region_code}", at=now, count=len(rows))
    return len(rows)


def _demand_faultless(faults: Sequence[RowFault]) -> None:
    if faults:
        raise InvalidError("matters_invalid", told(faults))


def _judged(numbered: NumberedRow, seen: set[str]) -> NewMatter | RowFault:
    """A row as a matter, or what is wrong with it; `seen` gathers the codes of those before."""
    number, row = numbered
    values, wrong = dict[str, str](), list[str]()
    for column, title in _TITLES.items():
        try:
            values[column] = clean_text(row.get(column, ""), lines=False)
        except TextError as error:
            values[column] = ""
            wrong.append(f"{title}{error.sentence.rstrip('。')}")
    wrong = wrong or [f"{_TITLES[column]}{sentence}" for column, sentence in _wrong(values, seen).items()]
    seen.add(values["code"])
    if wrong:
        return RowFault(number, tuple(wrong))
    return NewMatter(number, values["code"], values["name"], _KINDS[values["kind"]], values["lead_unit_code"] or None)


def _wrong(values: Mapping[str, str], seen: Collection[str]) -> dict[str, str]:
    """Column → what is wrong with it."""
    lead = values["lead_unit_code"]
    return {
        **{column: f"超过 {_LONGEST} 个字" for column, value in values.items() if len(value) > _LONGEST},
        **{column: "为空" for column in ("code", "name") if not values[column]},
        **({"code": "与前面的行重复"} if values["code"] and values["code"] in seen else {}),
        **({"kind": f"只能是 {'、'.join(MatterKind)}"} if values["kind"] not in _KINDS else {}),
        **({"lead_unit_code": "不是有效的单位代码"} if lead and not is_unit_code(lead) else {}),
    }


def _without_lead(session: Session, matters: Iterable[NewMatter]) -> list[RowFault]:
    """Lines whose leading unit is not there, or was closed; the others' is not closed before the transaction ends."""
    named = [(matter.row, matter.lead_unit_code) for matter in matters if matter.lead_unit_code]
    offices = {code for _, code in named if is_region(code)}
    standing = offices & set(tree().standing) | queries.lock_standing(session, {code for _, code in named} - offices)
    known = {code: queries.find(session, code) for code in {code for _, code in named} - standing}
    return [
        RowFault(row, (_TITLES["lead_unit_code"] + ("单位已撤销" if known[code] else "单位未知"),))
        for row, code in named
        if code not in standing
    ]
