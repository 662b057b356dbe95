"""Where a report lies, as it is picked on a phone: by its position, by a tap on a map, or down a list."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wxapi.kernel.coordinates import Datum, to_gcj02
from wxapi.kernel.errors import InvalidError
from wxapi.platform.position import point_of
from wxapi.regions.rules.index import Candidate
from wxapi.regions.rules.levels import Level
from wxapi.regions.rules.tree import RegionInfo
from wxapi.regions.services.lookup import inner_point, locate_position, tree
from wxapi.regions.wire import LocateQuery
from wxapi.web.kit import forms
from wxapi.web.kit.drawing import Drawing
from wxapi.web.kit.outlines import outlines_around, outlines_of

POSITION = ("longitude", "latitude", "coord_type", "accuracy")
_WAYS = frozenset({"gps", "map", "list"})
_BELOW = frozenset({Level.GRID})


@dataclass(frozen=True, slots=True)
class Picked:
    """What is picked so far, and what can be picked next.

    Attributes:
        fields: what the form carries of it: name → value.
        path: regions from the top down to where one is.
        children: what one can go down to.
        village: where the report lies, once that is known.
        candidates: other villages so near that the reporter may know better.
        drawing: the children, or the village with its neighbours.
        mark: where in the drawing the position lies.
        is_exact: whether there is a position, and not only a village.
        problem: why a position or a region was of no use.
    """

    fields: Mapping[str, str]
    path: tuple[RegionInfo, ...] = ()
    children: tuple[RegionInfo, ...] = ()
    village: RegionInfo | None = None
    candidates: tuple[Candidate, ...] = ()
    drawing: Drawing = field(default_factory=lambda: Drawing(0, 0, ()))
    mark: tuple[int, int] | None = None
    is_exact: bool = False
    problem: str | None = None


def picked(values: Mapping[str, str]) -> Picked:
    """What an address or a form has picked.

    Raises:
        InvalidError: `validation_failed`, a position that is none.
    """
    given = {name: values[name] for name in POSITION if values.get(name)}
    if given:
        return _at(given, values)
    return _below(values.get("region_code"))


def location_of(picked_place: Picked) -> dict[str, Any]:
    """The place as `POST /reports` takes it: `location` and `region_code`.

    Raises:
        InvalidError: `place_missing`, nothing picked yet.
    """
    village = picked_place.fields.get("region_code") or (picked_place.village.code if picked_place.village else None)
    if picked_place.is_exact:
        wanted = forms.load(LocateQuery, {name: picked_place.fields[name] for name in POSITION})
        position, datum = point_of(wanted), wanted["coord_type"]
        way, accuracy = picked_place.fields["picked_by"], wanted["accuracy"]
    else:
        inside = inner_point(village) if village else None
        if inside is None:
            sentence = picked_place.problem or "请选择地点：点“使用当前位置”，或在列表中选到村（社区）。"
            raise InvalidError("place_missing", sentence, fields={"location": [sentence]})
        position, datum, way, accuracy = inside, Datum.GCJ02, "list", None
    location = {
        "longitude": position.longitude,
        "latitude": position.latitude,
        "coord_type": datum.value,
        "accuracy": accuracy,
        "picked_by": way,
    }
    return {"location": location, "region_code": village}


def _at(given: Mapping[str, str], values: Mapping[str, str]) -> Picked:
    wanted = forms.load(LocateQuery, given)
    position, datum = point_of(wanted), wanted["coord_type"]
    found = locate_position(position, datum, wanted["accuracy"])
    if found is None:
        outside = _below(None)
        return Picked(
            outside.fields,
            outside.path,
            outside.children,
            drawing=outside.drawing,
            problem="该位置不在本市服务范围内，请在下面选择地点。",
        )
    way = values.get("picked_by", "")
    known = {found.village.code, *(each.region.code for each in found.candidates)}
    chosen = values.get("region_code", "")
    drawing = outlines_around(found.village.code)
    return Picked(
        fields={
            **{name: str(wanted[name]) for name in ("longitude", "latitude", "accuracy")},
            "coord_type": datum.value,
            "picked_by": way if way in _WAYS else "map",
            "region_code": chosen if chosen in known else found.village.code,
        },
        path=_path(found.village),
        village=found.village,
        candidates=found.candidates,
        drawing=drawing,
        mark=drawing.place(*to_gcj02(position, datum)),
        is_exact=True,
    )


def _below(code: str | None) -> Picked:
    """The way down the list, from the top when nothing, or nothing known, is picked."""
    regions = tree()
    here = regions.get(code or "")
    if here is not None and here.level in _BELOW:
        here = regions.ancestor(here.code, Level.VILLAGE)
    problem = "没有这个区域，请在下面重新选择地点。" if code and here is None else None
    if here is None:
        roots = regions.children(None)
        here = roots[0] if len(roots) == 1 else None
    if here is None:
        return Picked({}, children=tuple(regions.children(None)), problem=problem)
    if here.level is Level.VILLAGE:
        fields = {"region_code": here.code, "picked_by": "list"}
        return Picked(fields, _path(here), village=here, drawing=outlines_around(here.code))
    children = tuple(regions.children(here.code))
    drawing = outlines_of(tuple(each.code for each in children))
    return Picked({}, _path(here), children, drawing=drawing, problem=problem)


def _path(region: RegionInfo) -> tuple[RegionInfo, ...]:
    regions = tree()
    return tuple(found for code in region.path if (found := regions.get(code)))
