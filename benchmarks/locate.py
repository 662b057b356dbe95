"""`locate` with its full answer beside the smallest thing that finds a polygon: one STRtree query.

Same boundaries (Jingzhou: 1,969 villages, 190 grids), same points, same run. The limit takes longitude and latitude,
makes a point and asks the tree for the polygon that covers it, the predicate evaluated exactly. Ours is the service
function on a real database: it adds the grid, township and county, the neighbours within ten metres, the distance to
the border and the look for a new import.
"""

import csv
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import numpy as np
import shapely
from flask import Flask

from benchmarks.report import Result, best_of
from wxapi.demo import embedded
from wxapi.kernel.coordinates import Datum, Point
from wxapi.platform import migrate
from wxapi.platform.db import db
from wxapi.regions import queries
from wxapi.regions.rules.levels import Level
from wxapi.regions.services.importing import import_regions
from wxapi.regions.services.lookup import locate
from wxapi.regions.services.sources import read_file

_POINTS = Path(__file__).parent.parent / "tests" / "data" / "points.csv"
# Many short rounds: some of them run undisturbed even on a busy machine.
_ROUNDS = 100
_GOAL = 0.5


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

        # In turns, so that other work on the machine falls on both.
        seconds = [(best_of(1, ours), best_of(1, limit)) for _ in range(_ROUNDS)]
    each = 1e6 / len(points)
    own, other = min(pair[0] for pair in seconds) * each, min(pair[1] for pair in seconds) * each
    return [Result("locate / bare STRtree query", own, other, "µs", _GOAL)]


@contextmanager
def _jingzhou() -> Iterator[None]:
    """An app context on a database with the whole city."""
    with tempfile.TemporaryDirectory() as folder, embedded.postgres(Path(folder)) as url:
        migrate.upgrade(url)
        app = Flask("benchmark")
        app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql+psycopg://" + url.partition("://")[2]
        db.init_app(app)
        with app.app_context():
            _import_city()
            yield
            db.session.remove()
            db.engine.dispose()


def _import_city() -> None:
    with resources.as_file(resources.files("wxapi.demo") / "data" / "jingzhou") as folder:
        files = [folder / "tree.csv", *sorted(folder.glob("*.geojson.gz"))]
        entries = [entry for file in files for entry in read_file(file)]
    import_regions(entries, Datum.CGCS2000, now=datetime.now(UTC))


def _points() -> list[Point]:
    """The test points that lie in the city, in GCJ-02."""
    with _POINTS.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["village_code"]]
    return [Point(float(row["lng_gcj02"]), float(row["lat_gcj02"])) for row in rows]
