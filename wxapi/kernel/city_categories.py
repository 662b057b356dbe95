"""Reading `categories.csv`, the table of a city's classes. Every fault is told with its line and a sentence."""

import csv
import io
import re
from collections.abc import Iterator, Mapping

from wxapi.kernel.city_rules import CONFIDENTIAL_FAMILY, CategoryRow, CityError

CATEGORIES = "categories.csv"
_COLUMNS = (
    "code", "kind", "major_code", "major_name", "minor_code", "minor_name", "source",
    "respond_hours", "resolve_hours", "urgent", "desk_level", "retired",
)  # fmt: skip
_LEVELS = frozenset({"village", "township", "county"})
_CODE = re.compile(r"[A-Z][0-9]{4}")
_LONGEST_HOURS = 5000


def read_categories(text: str) -> Iterator[CategoryRow]:
    """The classes of a table, in its order.

    Raises:
        CityError: the first fault, while it is read.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    try:
        yield from _classes(reader)
    except csv.Error as error:
        raise CityError(CATEGORIES, reader.line_num + 1, f"cannot be read: {error}.") from error


def _classes(reader: "csv.DictReader[str]") -> Iterator[CategoryRow]:
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise CityError(CATEGORIES, 1, f"the columns want to be {','.join(_COLUMNS)}.")
    seen: dict[str, int] = {}
    for row in reader:
        line = reader.line_num
        if "" in row:
            raise CityError(CATEGORIES, line, "has more fields than there are columns.")
        category = _category(row, line)
        if category.code in seen:
            raise CityError(CATEGORIES, line, f"{category.code} stands in line {seen[category.code]} already.")
        seen[category.code] = line
        yield category
    if not seen:
        raise CityError(CATEGORIES, 1, "has no class.")


def _category(row: Mapping[str, str], line: int) -> CategoryRow:
    code = row["code"]
    if not _CODE.fullmatch(code):  # first, for every other sentence names it
        raise CityError(CATEGORIES, line, f"code {code[:20]!r} wants a capital letter and four digits.")
    confidential = code.startswith(CONFIDENTIAL_FAMILY)
    respond, resolve = _hours(row, "respond_hours", line), _hours(row, "resolve_hours", line)
    wrong = {
        f"{code}: kind, minor_name and major_name want words.": not (
            row["kind"] and row["minor_name"] and row["major_name"]
        ),
        f"{code}: respond_hours wants no more than resolve_hours.": respond > resolve,
        f"{code}: urgent and retired want 0 or 1.": not {row["urgent"], row["retired"]} <= {"0", "1"},
        f"{code}: desk_level wants village, township or county.": row["desk_level"] not in _LEVELS,
        f"{code}: publicity of village affairs wants desk_level township or county.": (
            confidential and row["desk_level"] == "village"
        ),
    }
    for sentence, holds in wrong.items():
        if holds:
            raise CityError(CATEGORIES, line, sentence)
    return CategoryRow(
        code=code,
        kind=row["kind"],
        major_name=row["major_name"],
        name=row["minor_name"],
        respond_hours=respond,
        resolve_hours=resolve,
        urgent=row["urgent"] == "1",
        desk_level=row["desk_level"],
        retired=row["retired"] == "1",
    )


def _hours(row: Mapping[str, str], column: str, line: int) -> int:
    text = row[column]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 0 < int(text) <= _LONGEST_HOURS):
        raise CityError(CATEGORIES, line, f"{row['code']}: {column} wants a whole number from 1 to {_LONGEST_HOURS}.")
    return int(text)
