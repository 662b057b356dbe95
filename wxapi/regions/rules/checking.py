"""An import before it touches the database: entries in, checked regions out, or every fault that was found.

Nothing here stops at the first fault: an operator who mends a file wants the whole list.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from wxapi.kernel.city import city
from wxapi.kernel.coordinates import Datum
from wxapi.kernel.errors import InvalidError
from wxapi.regions.rules.boundaries import read_polygon, to_stored
from wxapi.regions.rules.levels import LEVEL_NAMES, Level, check_region, level_of, parent_of
from wxapi.regions.rules.overlaps import find_overlaps
from wxapi.regions.rules.plane import Polygonal

# Borders digitised by different hands disagree by a metre or two; a wider overlap is a wrong border.
OVERLAP_TOLERANCE_M = 2.0
_SHOWN_FAULTS = 20

ItemT = TypeVar("ItemT")
# Wraps a loop to show its progress: (what is being done, the items) → the items.
Track = Callable[[str, Collection[ItemT]], Iterable[ItemT]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One region as a file tells it. `where` names file and place; `geometry` is GeoJSON, None from a CSV."""

    where: str
    code: str
    name: str
    level: str | None
    parent: str | None
    geometry: dict[str, Any] | None


class Faults:
    """Collects what is wrong, each with its place in the files."""

    def __init__(self) -> None:
        self._found: list[InvalidError] = []

    @contextmanager
    def at(self, where: str) -> Iterator[None]:
        """Note a refusal raised inside, with the place, and go on."""
        try:
            yield
        except InvalidError as error:
            self._found.append(InvalidError(error.code, f"{where}：{error.detail}"))

    def raise_if_any(self) -> None:
        """Refuse the import if anything was found; the code is the first fault's.

        Raises:
            InvalidError: with up to 20 faults in `detail`, one a line.
        """
        if not self._found:
            return
        lines = [fault.detail for fault in self._found[:_SHOWN_FAULTS]]
        if len(self._found) > _SHOWN_FAULTS:
            lines.append(f"……另有 {len(self._found) - _SHOWN_FAULTS} 处问题。")
        raise InvalidError(self._found[0].code, "\n".join(lines))


@dataclass(frozen=True, slots=True)
class NewRegion:
    """A checked region; `boundary` in GCJ-02 degrees, None where the files bring none."""

    where: str
    code: str
    name: str
    level: Level
    parent_code: str | None
    boundary: Polygonal | None


def check_tree(entries: Iterable[Entry], known: Collection[str]) -> dict[str, list[Entry]]:
    """Entries by code, parents first, once codes, levels and parents are right.

    A code may stand in a tree file and in a boundary file, under one name; twice in files of one kind is a fault.

    Args:
        entries: everything of one import.
        known: codes that the database already has.

    Raises:
        InvalidError: `bad_code`, `bad_name`, `wrong_level`, `wrong_parent`, `other_city`, `duplicated_code`,
            `conflicting_names` or `unknown_parent`.
    """
    faults = Faults()
    by_code: dict[str, list[Entry]] = {}
    for entry in entries:
        with faults.at(f"{entry.where}（{entry.code} {entry.name}）"):
            check_region(entry.code, entry.name, entry.level or level_of(entry.code) or "", entry.parent)
            _check_city(entry.code)
            _check_twin(entry, by_code.setdefault(entry.code, []))
            by_code[entry.code].append(entry)
    for code, (entry, *_) in by_code.items():
        parent = parent_of(code)
        with faults.at(f"{entry.where}（{code} {entry.name}）"):
            if parent is not None and parent not in by_code and parent not in known:
                raise InvalidError("unknown_parent", f"上级 {parent} 既不在文件中，也不在数据库中。")
    faults.raise_if_any()
    return {code: by_code[code] for code in sorted(by_code, key=lambda code: (len(code), code))}


def _check_city(code: str) -> None:
    """Every region is the city of this installation, or lies below it."""
    if not code.startswith(city().code):
        raise InvalidError(
            "other_city", f"不在{city().name}（{city().code}）之内；城市代码在 WXAPI_CITY_FOLDER 的 city.toml 中设置。"
        )


def check_boundaries(by_code: Mapping[str, list[Entry]], datum: Datum, track: Track[str]) -> list[NewRegion]:
    """Read, check and convert each boundary.

    Raises:
        InvalidError: one of the codes of `boundaries.read_polygon`.
    """
    faults = Faults()
    regions = []
    for code in track("检查边界", by_code.keys()):
        entries = by_code[code]
        named = next((entry for entry in entries if entry.geometry is not None), entries[0])
        with faults.at(f"{named.where}（{code} {named.name}）"):
            boundary = None if named.geometry is None else to_stored(read_polygon(named.geometry), datum)
            level = level_of(code)
            assert level is not None  # check_tree has seen to it
            regions.append(NewRegion(named.where, code, named.name, level, parent_of(code), boundary))
    faults.raise_if_any()
    return regions


def check_overlaps(
    regions: Collection[NewRegion], kept: Mapping[str, Polygonal], tolerance_m: float, track: Track[Level]
) -> None:
    """Check that no two regions of one level cover the same ground.

    Args:
        regions: the import.
        kept: boundaries the database has and the import does not replace.
        tolerance_m: the width up to which an overlap is let pass.
        track: shows the progress over the levels.

    Raises:
        InvalidError: `overlap`.
    """
    faults = Faults()
    for level in track("检查重叠", list(Level)):
        fresh = {region.code: region for region in regions if region.level is level and region.boundary}
        if fresh:
            old = {code: polygon for code, polygon in kept.items() if level_of(code) is level}
            _note_overlaps(faults, fresh, old, tolerance_m)
    faults.raise_if_any()


def _note_overlaps(
    faults: Faults, fresh: Mapping[str, NewRegion], old: Mapping[str, Polygonal], tolerance_m: float
) -> None:
    codes = [*fresh, *old]
    polygons = np.array([*(region.boundary for region in fresh.values()), *old.values()], dtype=object)
    for overlap in find_overlaps(polygons, [code in fresh for code in codes], tolerance_m):
        # Old ones stand behind: the first of the two is always new, and has a place in a file.
        region, other = fresh[codes[overlap.first]], codes[overlap.second]
        with faults.at(f"{region.where}（{region.code} {region.name}）"):
            place = fresh[other].where if other in fresh else "数据库"
            raise InvalidError(
                "overlap",
                f"与同级{LEVEL_NAMES[region.level]} {other}（{place}）重叠 {overlap.area_m2:,.0f} 平方米，"
                f"宽度超过 {tolerance_m:g} 米。",
            )


def _check_twin(entry: Entry, twins: Iterable[Entry]) -> None:
    for twin in twins:
        if (twin.geometry is None) is (entry.geometry is None):
            raise InvalidError("duplicated_code", f"代码重复，已见于 {twin.where}。")
        if twin.name != entry.name:
            raise InvalidError("conflicting_names", f"与 {twin.where} 的名称“{twin.name}”不一致。")
