"""A small city on a chessboard, for tests that need somewhere to report from.

Six villages, each a square of 0.01° (about 961 m × 1,109 m) in GCJ-02, in two rows:

    row 1   421002002001   421002002002   421003001001
    row 0   421002001001   421002001002   421002001003

So 421002001001 and 421002001002 share a border in one township, 421002001001 and 421002002001 across townships,
421002002002 and 421003001001 across counties. Village 421002001001 has two grids: its west and its east half.
"""

from datetime import UTC, datetime
from typing import Any

from wxapi.kernel.coordinates import Datum, Point
from wxapi.regions.rules.checking import Entry
from wxapi.regions.services.importing import ImportSummary, import_regions

WEST, SOUTH, SIDE = 112.20, 30.30, 0.01
IMPORTED_AT = datetime(2026, 11, 1, tzinfo=UTC)
CITY = "4210"
VILLAGES = {
    "421002001001": (0, 0),
    "421002001002": (1, 0),
    "421002001003": (2, 0),
    "421002002001": (0, 1),
    "421002002002": (1, 1),
    "421003001001": (2, 1),
}
GROUPS = {
    "4210": "荆州市",
    "421002": "沙市区",
    "421003": "荆州区",
    "421002001": "中山街道",
    "421002002": "崇文街道",
    "421003001": "西城街道",
}


def centre(village: str) -> Point:
    """The middle of a village, GCJ-02."""
    column, row = VILLAGES[village]
    return Point(WEST + (column + 0.5) * SIDE, SOUTH + (row + 0.5) * SIDE)


def square(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """A GeoJSON rectangle."""
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def entry(code: str, name: str | None = None, geometry: dict[str, Any] | None = None) -> Entry:
    """An entry as a file would tell it."""
    return Entry(f"test {code}", code, name or GROUPS.get(code, f"{code[-3:]}村"), None, None, geometry)


def village_square(code: str) -> dict[str, Any]:
    """The square of a village. Corners are counted from one origin, so that neighbours share them exactly."""
    column, row = VILLAGES[code]
    return square(_at(WEST, column), _at(SOUTH, row), _at(WEST, column + 1), _at(SOUTH, row + 1))


def small_city_entries() -> list[Entry]:
    """Everything of the small city."""
    entries = [entry(code) for code in GROUPS]
    entries += [entry(code, geometry=village_square(code)) for code in VILLAGES]
    half = _at(WEST, 0.5)
    halves = [(WEST, half), (half, _at(WEST, 1))]
    for number, (west, east) in enumerate(halves, start=1):
        code = f"421002001001{number:03}"
        geometry = square(west, SOUTH, east, _at(SOUTH, 1))
        entries.append(entry(code, f"第{number}网格", geometry))
    return entries


def import_small_city() -> ImportSummary:
    """Import the small city into the app's database; needs an app context and no open transaction."""
    return import_regions(small_city_entries(), Datum.GCJ02, now=IMPORTED_AT)


def _at(origin: float, steps: float) -> float:
    return round(origin + steps * SIDE, 6)
