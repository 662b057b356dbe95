"""What is where: the tree of regions, and the village a point lies in."""

from collections.abc import Iterable, Sequence

from wxapi.kernel.coordinates import Datum, Point, to_gcj02
from wxapi.kernel.errors import InvalidError, not_found
from wxapi.platform.db import db
from wxapi.regions.queries import boundaries_of
from wxapi.regions.rules.index import Candidate, Location
from wxapi.regions.rules.tree import RegionInfo, Tree
from wxapi.regions.services.snapshot import regions_cache

__all__ = [
    "Candidate", "Location", "RegionInfo", "Tree",
    "inner_point", "list_regions", "locate", "locate_position", "read_region", "refuse_closed", "region_names", "tree",
]  # fmt: skip


def tree() -> Tree:
    """The tree of regions, at most a second behind the database."""
    return regions_cache().get(db.session).tree


def region_names(codes: Iterable[str]) -> dict[str, str]:
    """Code → name; unknown codes are left out."""
    regions = tree()
    return {code: regions[code].name for code in codes if code in regions}


def locate(point: Point, accuracy: float = 0.0) -> Location | None:
    """Say in which village (and grid) a GCJ-02 point lies, and which other villages are near; None outside.

    Args:
        point: in GCJ-02; see `coordinates.to_gcj02`.
        accuracy: of the reading, in metres; candidates are the villages within `max(accuracy, 10)`, at most 500.
    """
    return regions_cache().get(db.session).index.locate(point, accuracy)


def locate_position(position: Point, datum: Datum, accuracy: float) -> Location | None:
    """`locate` for a position in any datum; None also for a position outside China."""
    try:
        point = to_gcj02(position, datum)
    except InvalidError:
        return None
    return locate(point, accuracy)


def inner_point(code: str) -> Point | None:
    """A point inside a region, GCJ-02; None where its border is not known."""
    border = boundaries_of(db.session(), [code]).get(code)
    if border is None:
        return None
    inside = border.representative_point()
    return Point(inside.x, inside.y)


def refuse_closed(code: str, *, field: str = "region_code") -> None:
    """Refuse what would begin in a region that was closed. Ask what the person may know of it first.

    Raises:
        InvalidError: `region_closed`; an unknown code passes.
    """
    region = tree().get(code)
    if region is None or region.closure is None:
        return
    successor = tree().get(tree().successor(code) or "")
    goes_on = f"，由{successor.full_name}承接" if successor else ""
    raise InvalidError(
        "region_closed",
        f"{region.name}已于 {region.closure.closed_on} 撤销{goes_on}。",
        fields={field: ["区划已撤销。"]},
    )


def read_region(code: str) -> RegionInfo:
    """One region.

    Raises:
        NotFoundError: there is none.
    """
    region = tree().get(code)
    if region is None:
        raise not_found()
    return region


def list_regions(parent: str | None, *, after: str | None, limit: int) -> Sequence[RegionInfo]:
    """Up to `limit + 1` regions right below a parent (the roots without one) behind the code `after`, by code.

    Raises:
        NotFoundError: there is no such parent.
    """
    regions = tree()
    if parent is not None and parent not in regions:
        raise not_found()
    return [region for region in regions.children(parent) if after is None or region.code > after][: limit + 1]
