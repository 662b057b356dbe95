"""A city's list of people as a spreadsheet: rows in, checked entries and every fault with its row out."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wxapi.identity.services.roster_places import NamedRegions, NamedUnits
from wxapi.kernel.errors import InvalidError
from wxapi.kernel.permissions import APART, ROLE_NAMES, Role
from wxapi.kernel.text import TextError, clean_text
from wxapi.platform.tables import NumberedRow, RowFault, SheetLimits, missing_columns, read_table, told
from wxapi.regions.rules.levels import Level, level_of, region_of
from wxapi.regions.services.lookup import Tree

# The heads of the columns, as an office writes them or as code does.
_COLUMNS = {"姓名": "name", "职务": "post", "手机号": "phone", "角色": "role", "区域": "region", "单位": "unit"}
HEADS = tuple(_COLUMNS)
_READ = tuple(_COLUMNS.values())
# A list of regions' people has no column of units, one of units' officers none of regions.
_PLACES = frozenset({"region", "unit"})
_PHONE = re.compile(r"1[3-9][0-9]{9}")
LONGEST = 50
MAX_ROWS = 20_000
MAX_BYTES = 4 << 20
_MAX_CELL = 200
# As people type the brackets of a role's name.
_HALF_WIDTH = str.maketrans("（）", "()")
_EVERY = 1000

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A person of the list: who they are, and the appointment they are to have.

    A unit officer has `unit_code` too; `region_code` is the region the unit hangs on.
    """

    name: str
    post: str
    phone: str
    role: Role
    region_code: str
    unit_code: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedRows:
    """Rows that may be written; with any fault none of them is."""

    rows: tuple[RosterRow, ...]
    faults: tuple[RowFault, ...]


def read_rows(data: bytes) -> Sequence[NumberedRow]:
    """The rows of a CSV or XLSX, each with its number in the file.

    Raises:
        InvalidError: `unreadable_file`, also where a column is missing; `too_many_rows`, `list_too_large`.
    """
    table = read_table(data, _COLUMNS, SheetLimits(rows=MAX_ROWS, bytes=MAX_BYTES))
    missing = [name for name in _READ if name not in table.head]
    if not set(missing) >= _PLACES:
        missing = [name for name in missing if name not in _PLACES]
    if missing:
        wanted = [chinese for chinese, name in _COLUMNS.items() if name in missing]
        if set(missing) >= _PLACES:  # one of both is enough
            wanted[-2:] = ["区域或单位"]
        raise missing_columns(wanted)
    return table.rows


def check_rows(
    rows: Sequence[NumberedRow],
    tree: Tree,
    units: NamedUnits,
    *,
    within: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> CheckedRows:
    """Every row checked, before one is written.

    Args:
        rows: as `read_rows` gives them.
        tree: the regions.
        units: the units the list may name.
        within: regions of the administrator; None: an operator's list may name all.
        progress: told how many rows are done, now and then.
    """
    judge = _Judge(tree, units, within)
    found, faults = [], []
    for done, (number, row) in enumerate(rows):
        if progress is not None and done % _EVERY == 0:
            progress(done)
        entry, wrong = judge.entry(row)
        if entry is None:
            faults.append(RowFault(number, tuple(wrong)))
        else:
            found.append(entry)
    return CheckedRows(tuple(found), tuple(faults))


class _Judge:
    """Judges rows of one list, each against those before it."""

    def __init__(self, tree: Tree, units: NamedUnits, within: Sequence[str] | None) -> None:
        self._regions, self._units, self._within = NamedRegions(tree), units, within
        self._roles = _roles()
        self._seen: set[tuple[str, Role, str]] = set()
        self._roles_of: set[tuple[str, Role]] = set()

    def entry(self, row: dict[str, str]) -> tuple[RosterRow | None, list[str]]:
        """The row as an entry, or what is wrong with it."""
        cells = [row.get(column, "") for column in _READ]
        if max(map(len, cells)) > _MAX_CELL:
            return None, ["单元格内容过长"]
        try:
            name, post, phone, written, region, unit = (clean_text(cell, lines=False) for cell in cells)
        except TextError as error:
            return None, [error.sentence.rstrip("。")]
        role = self._roles.get(written)
        wrong = [
            *(["姓名为空或过长"] if not 0 < len(name) <= LONGEST else []),
            *(["职务过长"] if len(post) > LONGEST else []),
            *(["手机号不是 11 位手机号码"] if not _PHONE.fullmatch(phone) else []),
            *(["角色未知"] if role is None else []),
            *self._wrong_place(role, region, unit),
            *(["同一人不能既是管理员又是审计员"] if self._mixes(phone, role) else []),
        ]
        if wrong or role is None:
            return None, wrong
        place = self._units.code_of(unit) if unit else self._regions.code_of(region)
        if (phone, role, place) in self._seen:
            return None, ["与前面的行重复"]
        self._seen.add((phone, role, place))
        self._roles_of.add((phone, role))
        # Of a unit's code only the part before the dash tells a region: `421002-zj` is no township.
        return RosterRow(name, post, phone, role, region_of(place), place if unit else None), []

    def _wrong_place(self, role: Role | None, region: str, unit: str) -> list[str]:
        """One of both, by the role: a unit officer acts for a unit, everybody else for a region."""
        if role is Role.UNIT_OFFICER:
            wrong = [self._units.wrong(unit) if unit else "单位经办人须填单位"]
            wrong += ["单位经办人只填单位，不填区域"] if region else []
        else:
            wrong = [self._regions.wrong(region, self._within)] if region or not unit else []
            wrong += ["该角色只填区域，不填单位"] if unit and role is not None else []
            city = level_of(self._regions.code_of(region)) is Level.CITY
            wrong += ["审计员的区域须为市"] if role is Role.AUDITOR and not city and not any(wrong) else []
        return [each for each in wrong if each]

    def _mixes(self, phone: str, role: Role | None) -> bool:
        """Whether a row before gives the phone a role apart from this; what people hold is judged when they come."""
        return role in APART and any((phone, other) in self._roles_of for other in APART - {role})


def _roles() -> dict[str, Role]:
    named = {name: role for role, name in ROLE_NAMES.items()}
    half_width = {name.translate(_HALF_WIDTH): role for name, role in named.items()}
    return {**{role.value: role for role in Role}, **named, **half_width}


def demand_faultless(checked: CheckedRows) -> tuple[RosterRow, ...]:
    """The rows, for those who want all or nothing at once.

    Raises:
        InvalidError: `people_invalid`, with the first faults in `detail`, one a line.
    """
    if not checked.faults:
        return checked.rows
    raise InvalidError("people_invalid", told(checked.faults))
