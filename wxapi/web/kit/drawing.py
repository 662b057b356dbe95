"""Maps and charts as numbers for SVG: the templates write them down. Pure but for the cache of outlines.

No colour stands here: a shape has a class, and the styles know its shade, dark on a wall and light at a desk.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry

from wxapi.regions.rules.plane import Polygonal

# Five shades; 0 has one of its own, so that "nothing there" is never taken for "little".
SHADES = 4
_WIDTH = 1000
# Pixels of the drawing a border may be off: nothing one sees, and a tenth of the bytes.
_TOLERANCE = 2.5
# Pixels a character of a label takes; the styles set the size.
_LABEL = 22
# The height of the strip that is kept free for a label, and how many strips are tried from top to bottom.
_STRIP, _STRIPS = 30, 15
# How much of the neighbours is shown around one border, as a share of its size.
_MARGIN = 0.15
# How far beside it they go on, as a share of the frame's width.
_ASIDE = 1.2


@dataclass(frozen=True, slots=True)
class Outline:
    """A region as a path of a drawing, and where its name stands."""

    code: str
    path: str
    x: int
    y: int
    # How much of the drawing's width is free for it there.
    room: int

    def holds(self, text: str, size: int = _LABEL) -> bool:
        """Whether a label of this size stands within the border; a figure or a space is half as wide as a character."""
        return sum(size if character > "\u2e80" else size * 0.6 for character in text) <= self.room


@dataclass(frozen=True, slots=True)
class Frame:
    """What a drawing shows, in degrees."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Outlines in one frame of `width` by `height`; `frame` says where on the ground its edges are."""

    width: int
    height: int
    outlines: tuple[Outline, ...]
    frame: Frame | None = None

    def place(self, longitude: float, latitude: float) -> tuple[int, int] | None:
        """Where a position (degrees) lies in the drawing; None outside it."""
        frame = self.frame
        if frame is None or not (frame.west <= longitude <= frame.east and frame.south <= latitude <= frame.north):
            return None
        x = (longitude - frame.west) / (frame.east - frame.west) * self.width
        y = (frame.north - latitude) / (frame.north - frame.south) * self.height
        return round(x), round(y)


def draw(borders: Mapping[str, Polygonal], around: str | None = None) -> Drawing:
    """Fit borders (degrees) into a frame 1000 wide; north is up, a degree of longitude as wide as it is there.

    Args:
        borders: code → border.
        around: the code of the one border the frame is fitted to, with a little of its neighbours; None for all.
    """
    if not borders:
        return Drawing(_WIDTH, 1, ())
    shown = [borders[around]] if around is not None else list(borders.values())
    west, south, east, north = (float(edge) for edge in shapely.total_bounds(shown))
    if around is not None:
        margin = max(east - west, north - south) * _MARGIN
        west, south, east, north = west - margin, south - margin, east + margin, north + margin
    across = max(east - west, 1e-9)
    # At 30° a degree of longitude is 0.866 of one of latitude; the frame's own middle is exact enough.
    scale = _WIDTH / across
    tall = scale / _cosine((south + north) / 2)
    height = max(1, round((north - south) * tall))
    outlines = []
    cut = borders
    if around is not None:
        cut = _cut(borders, Frame(west, south, east, north))
    for code, border in sorted(cut.items()):
        stretched = shapely.transform(border, lambda points: (points - (west, north)) * (scale, -tall))
        moved = stretched.simplify(_TOLERANCE)
        outlines.append(Outline(code, _path(moved), *_place_of_label(moved)))
    return Drawing(_WIDTH, height, tuple(outlines), Frame(west, south, west + across, north))


def _place_of_label(shape: BaseGeometry) -> tuple[int, int, int]:
    """Where a label has most room within a border: the middle of its base line, and how wide it may be."""
    left, top, right, bottom = shape.bounds
    inside = shape.representative_point()
    best = (0.0, inside.x, inside.y)
    for n in range(1, _STRIPS):
        y = top + (bottom - top) * n / _STRIPS
        free = [(left, right)]
        for level in (y - _STRIP / 2, y, y + _STRIP / 2):
            free = [part for one in free for part in _shared(one, _across(shape, left, right, level))]
        best = max([best, *((end - start, (start + end) / 2, y) for start, end in free)], key=lambda each: each[0])
    room, x, y = best
    return round(x), round(y + _LABEL * 0.36), round(room)


def _across(shape: BaseGeometry, left: float, right: float, y: float) -> list[tuple[float, float]]:
    """From where to where a level line lies within a border."""
    parts = shapely.get_parts(shape.intersection(shapely.LineString([(left - 1, y), (right + 1, y)])))
    return [(part.bounds[0], part.bounds[2]) for part in parts if part.geom_type == "LineString"]


def _shared(one: tuple[float, float], others: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    spans = ((max(one[0], start), min(one[1], end)) for start, end in others)
    return [span for span in spans if span[0] < span[1]]


def _cut(borders: Mapping[str, Polygonal], frame: Frame) -> dict[str, Polygonal]:
    """What of the borders is in sight, and more on either side: a box that is wider than the frame shows it."""
    edge = (frame.east - frame.west) * 0.05
    aside = (frame.east - frame.west) * _ASIDE
    box = (frame.west - aside, frame.south - edge, frame.east + aside, frame.north + edge)
    cut = {code: shapely.clip_by_rect(border, *box) for code, border in borders.items()}
    return {
        code: border
        for code, border in cut.items()
        if isinstance(border, shapely.Polygon | shapely.MultiPolygon) and not border.is_empty
    }


def _cosine(degrees: float) -> float:
    # A series is enough for a picture: 1 - x²/2 + x⁴/24.
    x = degrees * 3.141592653589793 / 180
    return max(0.1, 1 - x * x / 2 + x**4 / 24)


def _path(shape: shapely.Geometry) -> str:
    parts = []
    for polygon in shapely.get_parts(shape):
        if polygon.geom_type != "Polygon" or polygon.is_empty:
            continue
        for ring in (polygon.exterior, *polygon.interiors):
            points = list(dict.fromkeys((round(x), round(y)) for x, y in ring.coords))
            if len(points) > 2:
                parts.append(_ring(points))
    return "".join(parts)


def _ring(points: Sequence[tuple[int, int]]) -> str:
    """A closed ring in relative steps: short numbers."""
    x, y = points[0]
    text = [f"M{x} {y}l"]
    for to_x, to_y in points[1:]:
        text.append(f"{to_x - x} {to_y - y} ")
        x, y = to_x, to_y
    return "".join(text).rstrip() + "z"


def value_classes(values: Iterable[int]) -> list[tuple[int, int]]:
    """(least, most) of each shade from 1 on: classes of one width, so that a shade says how many and not who is ahead.

    The width is a number that is easily read; classes above the largest value are left out.
    """
    most = max(values, default=0)
    width = next(each for each in _widths() if each * SHADES >= most)
    return [(low, low + width - 1) for low in range(1, most + 1, width)]


def shade(value: int, classes: Sequence[tuple[int, int]]) -> int:
    """0 for nothing, else which of the classes a value lies in, from 1."""
    return next((n for n, (low, high) in enumerate(classes, 1) if low <= value <= high), 0)


def _widths() -> Iterator[int]:
    """1, 2, 3, 4, 5, 6, 8, 10, 20, 30 …"""
    return (step * 10**power for power in itertools.count() for step in (1, 2, 3, 4, 5, 6, 8))


def radius(count: int, most: int) -> int:
    """Of a circle whose area goes with a count, in a drawing 1000 wide; the least can still be hit by a finger."""
    return round(16 + 34 * (count / most) ** 0.5) if most > 1 else 18


# Left, top, right, bottom.
Box = tuple[int, int, int, int]


def free(boxes: Iterable[Box], taken: Iterable[Box]) -> list[bool]:
    """Whether each box has its place for itself: beside what is taken, and beside the boxes before it that have."""
    occupied, found = list(taken), []
    for box in boxes:
        found.append(not any(_overlap(box, other) for other in occupied))
        if found[-1]:
            occupied.append(box)
    return found


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def label_below(at: tuple[int, int], off: int, text: str) -> Box:
    """Where a label of the maps stands that is centred `off` below a position."""
    half = _LABEL * len(text) // 2
    return at[0] - half, at[1] + off, at[0] + half, at[1] + off + 2 * _LABEL


def bars(values: Sequence[int]) -> list[int]:
    """Lengths of bars beside one another, in per cent; the longest has 100."""
    longest = max(values, default=0)
    return [round(value * 100 / longest) if longest else 0 for value in values]


def line(values: Sequence[float], width: int = 600, height: int = 120) -> str:
    """The points of a line through values, oldest on the left, 0 at the bottom."""
    top = max(values, default=0) or 1
    step = width / max(1, len(values) - 1)
    return " ".join(f"{round(n * step)},{round(height - value * height / top)}" for n, value in enumerate(values))
