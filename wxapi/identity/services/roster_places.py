"""What an entry of the city's list is for: the region, or the unit, that somebody named by code or by name."""

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from wxapi.regions.services.lookup import Tree
from wxapi.units import queries
from wxapi.units.rules import is_region


class NamedRegions:
    """Regions by what people write for them."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._by_name = {region.full_name: region.code for region in tree.below(None) if region.closure is None}

    def code_of(self, text: str) -> str:
        """The code of a region that is named by code or full name and stands; empty for any other."""
        return text if text in self._tree.standing else self._by_name.get(text, "")

    def wrong(self, text: str, within: Sequence[str] | None) -> str:
        """What is wrong with it as the place of an office; empty for nothing. `within` None: anywhere."""
        code = self.code_of(text)
        if not code:
            return "区域已撤销" if text in self._tree else "区域未知"
        if within is not None and not code.startswith(tuple(within)):
            return "不在您的管辖区划内"
        return ""


class NamedUnits:
    """The units of some regions by what people write for them; a region's own office is none of them.

    A unit of elsewhere is told as one that there is not.
    """

    def __init__(self, session: Session, within: Iterable[str] | None) -> None:
        self._everywhere = within is None
        self._standing: dict[str, set[str]] = {}
        self._closed: set[str] = set()
        for unit in queries.named(session, within):
            words = {unit.code, unit.name, unit.region_full_name + unit.name}
            if unit.closed_on is not None:
                self._closed |= words
                continue
            for word in words:
                self._standing.setdefault(word, set()).add(unit.code)

    def code_of(self, text: str) -> str:
        """The code of the one unit that is named so and stands; empty for none and for several."""
        found = self._standing.get(text, set())
        return next(iter(found)) if len(found) == 1 else ""

    def wrong(self, text: str) -> str:
        """What is wrong with it as the unit of an officer; empty for nothing."""
        if self.code_of(text):
            return ""
        if is_region(text):
            return "区划不是单位经办人的单位"
        if text in self._standing:
            return "同名单位不止一个，请填单位代码"
        if text in self._closed:
            return "单位已撤销"
        return "单位未知" if self._everywhere else "单位未知或不在您的管辖区划内"


def place_of(text: str, tree: Tree) -> str:
    """The code of a standing region that somebody named by code or full name; empty for any other."""
    return NamedRegions(tree).code_of(text.strip())


def unit_of(text: str, session: Session, within: Iterable[str] | None) -> str:
    """The code of the one standing unit of these regions that somebody named; empty for any other."""
    return NamedUnits(session, within).code_of(text.strip())
