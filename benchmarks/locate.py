"""`locate` with its full answer beside the smallest thing that finds a polygon: one STRtree query.

Same boundaries (Jingzhou: 1,969 villages, 190 grids), same points, same run. The limit takes longitude and latitude,
makes a point and asks the tree for the polygon that covers it, the predicate evaluated exactly. Ours is the service
function on a real database: it adds the grid, township and county, the neighbours within ten metres, the distance to
the border and the look for a new import. Then the index alone at 100,000 villages of forty corners each, beside the
same query of a tree of as many.
"""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median

import numpy as np
import shapely

from benchmarks._scratch import scratch
from benchmarks.report import Result, best_of
from config import Config
from wxapi.app import create_app
from wxapi.kernel.coordinates import Point
from wxapi.platform.db import db
from wxapi.regions import queries
from wxapi.regions.rules.index import SpatialIndex
from wxapi.regions.rules.levels import Level
from wxapi.regions.rules.plane import Polygonal
from wxapi.regions.rules.tree import Tree
from wxapi.regions.services.lookup import locate

_POINTS = Path(__file__).parent.parent / "tests" / "data" / "points.csv"
# Many short rounds: some of them run undisturbed even on a busy machine.
_ROUNDS = 100
_GOAL = 0.8
# Degrees; about 500 m a side.
_WEST, _SOUTH, _SIDE = 111.2, 29.5, 0.005
_COLUMNS, _ROWS = 400, 250
_POINTS_AMONG_MANY = 300


def run() -> list[Result]:
    points = _points()
    with _jingzhou():
        villages = queries.boundaries(db.session(), [Level.VILLAGE])
        bare = shapely.STRtree(np.array(list(villages.values()), dtype=object))

        def ours() -> None:
            for point in points:
                locate(point)

        def limit() -> None:
            for longitude, latitude in points:
                bare.query(shapely.Point(longitude, latitude), predicate="intersects")

        found = _compared("locate / bare STRtree query", ours, limit, len(points))
    return [found, _many()]


def _compared(name: str, ours: Callable[[], None], limit: Callable[[], None], count: int) -> Result:
    """In turns, so that other work on the machine falls on both."""
    seconds = [(best_of(1, ours), best_of(1, limit)) for _ in range(_ROUNDS)]
    each = 1e6 / count
    best = [min(column) * each for column in zip(*seconds, strict=True)]
    middle = [median(column) for column in zip(*seconds, strict=True)]
    return Result(name, best[0], best[1], "µs", _GOAL, of_medians=middle[1] / middle[0])


def _many() -> Result:
    """The index alone, at as many villages as a province has."""
    villages = dict(_squares())
    above = {code[:length] for code in villages for length in (4, 6, 9)}
    index = SpatialIndex(Tree(1, [(code, code) for code in above | villages.keys()]), villages)
    bare = shapely.STRtree(np.array(list(villages.values()), dtype=object))
    random = Random(1)
    points = [
        Point(_WEST + random.random() * _COLUMNS * _SIDE, _SOUTH + random.random() * _ROWS * _SIDE)
        for _ in range(_POINTS_AMONG_MANY)
    ]

    def ours() -> None:
        for point in points:
            index.locate(point, 0.0)

    def limit() -> None:
        for longitude, latitude in points:
            bare.query(shapely.Point(longitude, latitude), predicate="intersects")

    return _compared(f"locate among {len(villages):,} / bare STRtree query", ours, limit, len(points))


def _squares() -> Iterator[tuple[str, Polygonal]]:
    """Villages side by side, a hundred of them a township, a hundred townships a county."""
    for number in range(_COLUMNS * _ROWS):
        west, south = _WEST + number % _COLUMNS * _SIDE, _SOUTH + number // _COLUMNS * _SIDE
        county, township, village = number // 10_000, number // 100 % 100, number % 100
        square = shapely.segmentize(shapely.box(west, south, west + _SIDE, south + _SIDE), _SIDE / 10)
        yield f"4210{county + 1:02}{township:03}{village:03}", square


@contextmanager
def _jingzhou() -> Iterator[None]:
    """The product's context on a database with the whole city."""
    with scratch(city=True) as made, create_app(Config.from_env(made.environ)).app_context():
        yield
        db.session.remove()
        db.engine.dispose()


def _points() -> list[Point]:
    """The test points that lie in the city, in GCJ-02."""
    with _POINTS.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["village_code"]]
    return [Point(float(row["lng_gcj02"]), float(row["lat_gcj02"])) for row in rows]
