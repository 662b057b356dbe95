"""Labels of maps stand within their borders, wherever there is room for them."""

import random

import shapely

from wxapi.web.kit.drawing import draw

SIZES = (22, 27, 36)


def test_a_label_that_is_held_crosses_no_border() -> None:
    chance = random.Random(7)
    held = 0
    for _ in range(200):
        points = [(chance.random(), chance.random()) for _ in range(chance.randint(3, 9))]
        shape = shapely.MultiPoint(points).convex_hull.buffer(0.01).difference(shapely.Point(points[0]).buffer(0.2))
        if not isinstance(shape, shapely.Polygon) or shape.is_empty:
            continue
        (outline,) = draw({"x": shape}).outlines
        drawn = _polygon(outline.path)
        assert drawn.buffer(2).contains(shapely.Point(outline.x, outline.y))
        for size in SIZES:
            text = "荆州区 12"
            if not outline.holds(text, size):
                continue
            held += 1
            half = 2.25 * size  # three characters, a space and two figures
            box = shapely.box(outline.x - half, outline.y - 22 * 0.8, outline.x + half, outline.y + 22 * 0.2)
            assert drawn.buffer(6).contains(box), (outline, size)
    assert held > 200


def test_what_has_no_room_holds_no_name() -> None:
    needle = shapely.Polygon([(0, 0), (1, 0), (1, 1), (0.999, 1), (0.999, 0.001), (0, 0.001)])
    (outline,) = draw({"x": needle}).outlines
    assert not outline.holds("岑河镇 15")


def _polygon(path: str) -> shapely.Polygon:
    """The outer ring of a path in relative steps."""
    ring = path.split("z", maxsplit=1)[0][1:]
    first, _, steps = ring.partition("l")
    x, y = (int(each) for each in first.split())
    points, numbers = [(x, y)], [int(each) for each in steps.split()]
    for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
        x, y = x + dx, y + dy
        points.append((x, y))
    return shapely.Polygon(points)
