"""Import a township's list of matters (履职事项清单) from a CSV file: all of it, or nothing."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, insert

from wxapi.kernel.errors import InvalidError
from wxapi.platform import audit
from wxapi.platform.db import transaction
from wxapi.regions.services.lookup import refuse_closed, tree
from wxapi.units.models import Matter
from wxapi.units.rules import MatterKind, is_unit_code

COLUMNS = ("code", "name", "kind", "lead_unit_code")
_MOST_ROWS = 5000
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class NewMatter:
    """One line of the list."""

    code: str
    name: str
    kind: MatterKind
    lead_unit_code: str | None


def read_matters(path: Path) -> list[NewMatter]:
    """Read a file of the columns code, name, kind, lead_unit_code (UTF-8).

    Raises:
        InvalidError: `bad_file`, one sentence that names file, line and what is wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise InvalidError("bad_file", f"{path.name}：缺少列 {'、'.join(missing)}。")
            found = [(reader.line_num, _matter(path, reader.line_num, row)) for row in reader]
    except UnicodeDecodeError as error:
        raise InvalidError("bad_file", f"{path.name}：不是 UTF-8 编码。") from error
    except csv.Error as error:
        raise InvalidError("bad_file", f"{path.name}：不是有效的 CSV（{error}）。") from error
    _check(path, found)
    return [matter for _, matter in found]


def import_matters(region_code: str, matters: Iterable[NewMatter], *, now: datetime) -> int:
    """Replace the list of a region; returns how many lines it has now.

    Raises:
        InvalidError: `unknown_region`.
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
        session.execute(delete(Matter).where(Matter.region_code == region_code))
        if rows:
            session.execute(insert(Matter), rows)
        audit.record(session, None, "matters.import", subject=f"region:{region_code}", at=now, count=len(rows))
    return len(rows)


def _matter(path: Path, line: int, row: dict[str, str]) -> NewMatter:
    values = {column: (row.get(column) or "").strip() for column in COLUMNS}
    at = f"{path.name} 第 {line} 行"
    if not values["code"] or not values["name"] or any(len(value) > _LONGEST for value in values.values()):
        raise InvalidError("bad_file", f"{at}：代码和名称不能为空，每格最多 {_LONGEST} 个字。")
    if values["kind"] not in set(MatterKind):
        raise InvalidError("bad_file", f"{at}：kind 只能是 {'、'.join(MatterKind)}。")
    if values["lead_unit_code"] and not is_unit_code(values["lead_unit_code"]):
        raise InvalidError("bad_file", f"{at}：lead_unit_code 不是有效的单位代码。")
    return NewMatter(values["code"], values["name"], MatterKind(values["kind"]), values["lead_unit_code"] or None)


def _check(path: Path, found: Sequence[tuple[int, NewMatter]]) -> None:
    if not found:
        # A mistake rather than a wish: the list that holds would be gone.
        raise InvalidError("bad_file", f"{path.name}：没有任何事项。")
    if len(found) > _MOST_ROWS:
        raise InvalidError("bad_file", f"{path.name}：最多 {_MOST_ROWS} 行。")
    seen: set[str] = set()
    for line, matter in found:
        if matter.code in seen:
            raise InvalidError("bad_file", f"{path.name} 第 {line} 行：代码“{matter.code}”重复。")
        seen.add(matter.code)
