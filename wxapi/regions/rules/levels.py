"""What a region is: its level, its code, and whose child it may be.

The statistical code tells the level by its length, and each code begins with its parent's. That is why rows of other
features carry `county_code`, `township_code` and `village_code` and need no join to know what lies above them.
"""

from collections.abc import Iterable
from enum import StrEnum

from wxapi.kernel.errors import InvalidError


class Level(StrEnum):
    """From the city down to a grid (网格)."""

    CITY = "city"
    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"
    GRID = "grid"


# Digits of a code (statistical code for urban and rural divisions, 统计用区划代码; the grid adds three of the city's).
CODE_LENGTH = {Level.CITY: 4, Level.COUNTY: 6, Level.TOWNSHIP: 9, Level.VILLAGE: 12, Level.GRID: 15}
LEVEL_OF_LENGTH = {length: level for level, length in CODE_LENGTH.items()}
LONGEST_CODE = CODE_LENGTH[Level.GRID]
LONGEST_NAME = 100

PARENT_LEVEL = {
    Level.CITY: None,
    Level.COUNTY: Level.CITY,
    Level.TOWNSHIP: Level.COUNTY,
    Level.VILLAGE: Level.TOWNSHIP,
    Level.GRID: Level.VILLAGE,
}
LEVEL_NAMES = {
    Level.CITY: "市",
    Level.COUNTY: "县（市、区）",
    Level.TOWNSHIP: "乡镇（街道）",
    Level.VILLAGE: "村（社区）",
    Level.GRID: "网格",
}

# A phone that does not know where it is within half a kilometre names no village; wider circles would list half a
# township.
MAX_ACCURACY_M = 500.0
# Even a perfect reading is not surer than this: villages this near are offered to choose from.
MIN_REACH_M = 10.0


def level_of(code: str) -> Level | None:
    """The level a code's length stands for, None if it is no region's code."""
    return LEVEL_OF_LENGTH.get(len(code)) if code.isascii() and code.isdigit() else None


def within(code: str, level: Level) -> str:
    """The code of the region of this level that a region lies in; the code itself where it lies higher."""
    return code[: CODE_LENGTH[level]]


def parent_of(code: str) -> str | None:
    """The code of the parent, None for a city."""
    level = level_of(code)
    above = PARENT_LEVEL[level] if level else None
    return code[: CODE_LENGTH[above]] if above else None


def region_of(code: str) -> str:
    """The region a unit's code begins with; of a region's own code it is the code itself.

    Only the part before `-` tells a level: `421002-zj` has nine characters and is no township.
    """
    return code.partition("-")[0]


def path_of(code: str) -> tuple[str, ...]:
    """The codes from the city down to the region itself; of a unit's code, down to the region it hangs on."""
    digits = region_of(code)
    return tuple(digits[:length] for length in CODE_LENGTH.values() if length <= len(digits))


def holding(codes: Iterable[str]) -> str:
    """The smallest region that holds all of some regions of one city."""
    each_level: Iterable[tuple[str, ...]] = zip(*map(path_of, codes), strict=False)
    return [level[0] for level in each_level if len(set(level)) == 1][-1]


def ancestor_of(code: str, level: Level) -> str | None:
    """The code of the region of a level above a region or unit, itself included; None below that level."""
    digits = region_of(code)
    length = CODE_LENGTH[level]
    return digits[:length] if len(digits) >= length else None


def reach_m(accuracy: float) -> float:
    """How far around a point other villages count as candidates, in metres."""
    return min(max(accuracy, MIN_REACH_M), MAX_ACCURACY_M)


def check_region(code: str, name: str, level: str, parent: str | None) -> None:
    """Check that code, level and parent agree.

    `parent` may be None where a source does not name it. A city's parent (a province) is not kept, so it may be
    anything.

    Raises:
        InvalidError: `bad_code`, `bad_name`, `wrong_level` or `wrong_parent`.
    """
    actual = level_of(code)
    if actual is None:
        raise InvalidError("bad_code", f"代码“{code[:40]}”不是区划代码：应为 4、6、9、12 或 15 位数字。")
    if not name.strip() or len(name) > LONGEST_NAME:
        raise InvalidError("bad_name", f"名称为空或超过 {LONGEST_NAME} 个字。")
    if level != actual:
        wanted = f"{len(code)} 位代码对应的层级是 {actual}（{LEVEL_NAMES[actual]}）"
        raise InvalidError("wrong_level", f"层级“{level[:40]}”不对：{wanted}。")
    expected = parent_of(code)
    if expected is not None and parent is not None and parent != expected:
        above = PARENT_LEVEL[actual]
        raise InvalidError("wrong_parent", f"上级“{parent[:40]}”不对：按代码，其上级（{above}）应为 {expected}。")
