"""The tree of regions as one immutable value, small enough to keep in each process."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from wxapi.regions.rules.levels import LEVEL_OF_LENGTH, Level, ancestor_of, parent_of, path_of


@dataclass(frozen=True, slots=True)
class Closure:
    """That a region was closed: the last day it stood, and who goes on."""

    closed_on: date
    successor_code: str | None


@dataclass(frozen=True, slots=True)
class RegionInfo:
    """One region. `full_name` and `path` run from the city down to the region itself."""

    code: str
    name: str
    level: Level
    parent_code: str | None
    full_name: str
    path: tuple[str, ...]
    closure: Closure | None = None

    @property
    def county_code(self) -> str | None:
        return self._ancestor_code(Level.COUNTY)

    @property
    def township_code(self) -> str | None:
        return self._ancestor_code(Level.TOWNSHIP)

    @property
    def village_code(self) -> str | None:
        return self._ancestor_code(Level.VILLAGE)

    def covers(self, code: str) -> bool:
        """Whether the region with this code is this one or lies below it."""
        return code.startswith(self.code)

    def _ancestor_code(self, level: Level) -> str | None:
        return ancestor_of(self.code, level)


class Tree:
    """All regions by code, as of one version of the boundaries."""

    def __init__(
        self, version: int, names: Iterable[tuple[str, str]], closures: Mapping[str, Closure] | None = None
    ) -> None:
        """Build the tree of (code, name) pairs, in any order, and of what was closed, by code."""
        self.version = version
        self._closures = closures or {}
        self._regions: dict[str, RegionInfo] = {}
        # The dictionary's own: asked several times for each row that is shown.
        self.get: Callable[[str], RegionInfo | None] = self._regions.get
        self._children: dict[str | None, list[RegionInfo]] = {}
        for code, name in sorted(names, key=lambda pair: (len(pair[0]), pair[0])):
            self._add(code, name)
        # The codes of what stands: where something new may begin.
        self.standing = frozenset(self._regions.keys() - self._closures.keys())

    def __len__(self) -> int:
        return len(self._regions)

    def __contains__(self, code: object) -> bool:
        return code in self._regions

    def __getitem__(self, code: str) -> RegionInfo:
        return self._regions[code]

    def successor(self, code: str) -> str | None:
        """Who goes on for a region: itself while it stands; None where it was closed without a successor."""
        seen = set()
        while code in self._closures and code not in seen:
            seen.add(code)
            code = self._closures[code].successor_code or ""
        return code if code in self.standing else None

    def predecessors(self, code: str) -> list[str]:
        """Closed regions for which a region goes on."""
        return sorted(closed for closed in self._closures if self.successor(closed) == code)

    def children(self, code: str | None) -> list[RegionInfo]:
        """The regions that stand right below a region, by code; below None are the roots."""
        return [region for region in self._children.get(code, ()) if region.closure is None]

    def below(self, code: str | None) -> list[RegionInfo]:
        """A region and all below it, the closed ones too; all regions for None."""
        return [region for region in self._regions.values() if code is None or region.code.startswith(code)]

    def ancestor(self, code: str, level: Level) -> RegionInfo | None:
        """The region of a level above a region, itself included; None if there is none."""
        return self._regions.get(ancestor_of(code, level) or "") if code in self._regions else None

    def _add(self, code: str, name: str) -> None:
        parent = self._regions.get(parent_of(code) or "")
        info = RegionInfo(
            code=code,
            name=name,
            level=LEVEL_OF_LENGTH[len(code)],
            parent_code=parent.code if parent else None,
            full_name=(parent.full_name if parent else "") + name,
            path=path_of(code),
            closure=self._closures.get(code),
        )
        self._regions[code] = info
        self._children.setdefault(info.parent_code, []).append(info)
