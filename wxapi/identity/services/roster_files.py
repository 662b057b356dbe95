"""A city's list of people as a spreadsheet: rows in, checked entries out, or every fault with its row."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from openpyxl import load_workbook

from wxapi.kernel.errors import InvalidError
from wxapi.kernel.permissions import ROLE_NAMES, Role
from wxapi.regions.services.lookup import Tree

# The heads of the columns, as an office writes them or as code does.
_COLUMNS = {"姓名": "name", "职务": "post", "手机号": "phone", "角色": "role", "区域": "region"}
_NEEDED = tuple(_COLUMNS.values())
_PHONE = re.compile(r"1[3-9][0-9]{9}")
_LONGEST = 50
_SHOWN = 20
MAX_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A person of the list: who they are, and the appointment they are to have."""

    name: str
    post: str
    phone: str
    role: Role
    region_code: str


# As people type the brackets of a role's name.
_HALF_WIDTH = str.maketrans("（）", "()")


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a .csv (UTF-8) or .xlsx file by the English names of the columns.

    Raises:
        InvalidError: `unreadable_file`, or a column is missing.
    """
    try:
        table = _sheet(path) if path.suffix == ".xlsx" else _csv(path)
        head = [_COLUMNS.get(cell, cell) for cell in next(table, [])]
        rows = [dict(zip(head, cells, strict=False)) for cells in table if any(cells)]
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise InvalidError("unreadable_file", f"{path.name}：无法读取，请使用 UTF-8 编码的 CSV 或 XLSX。") from error
    missing = [name for name in _NEEDED if name not in head]
    if missing:
        wanted = "、".join(chinese for chinese, name in _COLUMNS.items() if name in missing)
        raise InvalidError("unreadable_file", f"{path.name}：缺少列：{wanted}。")
    if len(rows) > MAX_ROWS:
        raise InvalidError("too_many_rows", f"{path.name}：超过 {MAX_ROWS} 行，请分批导入。")
    return rows


def check_rows(rows: Iterable[dict[str, str]], tree: Tree) -> list[RosterRow]:
    """Every row checked, before one is written.

    Raises:
        InvalidError: `people_invalid`, with up to 20 faults in `detail`, one a line, each with its row in the sheet.
    """
    by_name = {region.full_name: region.code for region in tree.below(None) if region.closure is None}
    named = {name: role for role, name in ROLE_NAMES.items()}
    roles = {
        **{role.value: role for role in Role},
        **named,
        **{name.translate(_HALF_WIDTH): role for name, role in named.items()},
    }
    found: list[RosterRow] = []
    faults: list[str] = []
    seen: set[tuple[str, Role, str]] = set()
    for number, row in enumerate(rows, start=2):
        name, post, phone, role, region = (row.get(column, "").strip() for column in _NEEDED)
        code = region if region in tree.standing else by_name.get(region, "")
        wrong = [
            *(["姓名为空或过长"] if not 0 < len(name) <= _LONGEST else []),
            *(["职务过长"] if len(post) > _LONGEST else []),
            *(["手机号不是 11 位手机号码"] if not _PHONE.fullmatch(phone) else []),
            *(["角色未知"] if roles.get(role) in {None, Role.UNIT_OFFICER} else []),
            *(["审计员须单独任命"] if roles.get(role) is Role.AUDITOR else []),
            *(["区域已撤销" if region in tree else "区域未知"] if not code else []),
        ]
        if not wrong and (phone, roles[role], code) in seen:
            wrong = ["与前面的行重复"]
        if wrong:
            faults.append(f"第 {number} 行：{'，'.join(wrong)}。")
            continue
        seen.add((phone, roles[role], code))
        found.append(RosterRow(name, post, phone, roles[role], code))
    if faults:
        more = [f"……另有 {len(faults) - _SHOWN} 行有误。"] if len(faults) > _SHOWN else []
        raise InvalidError("people_invalid", "\n".join([*faults[:_SHOWN], *more]))
    return found


def _csv(path: Path) -> Iterator[list[str]]:
    yield from csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig")))


def _sheet(path: Path) -> Iterator[list[str]]:
    book = load_workbook(path, read_only=True, data_only=True)
    try:
        for cells in book.worksheets[0].iter_rows(values_only=True):
            yield ["" if cell is None else str(cell).strip() for cell in cells]
    finally:
        book.close()
