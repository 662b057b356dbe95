"""The whole of Jingzhou and 500 points with known answers: the datum, the borders, the grids."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest
from flask import Flask

from wxapi.kernel.coordinates import Datum, Point
from wxapi.regions.services.importing import import_regions
from wxapi.regions.services.lookup import Location, locate_position, tree
from wxapi.regions.services.sources import read_file

with (Path(__file__).parents[1] / "data" / "points.csv").open(encoding="utf-8") as file:
    POINTS = list(csv.DictReader(file))
INSIDE = [row for row in POINTS if row["village_code"]]
OUTSIDE = [row for row in POINTS if not row["village_code"]]
DATUMS = [(Datum.GCJ02, "gcj02"), (Datum.WGS84, "wgs84")]


@pytest.fixture
def jingzhou(app: Flask) -> Iterator[None]:
    with resources.as_file(resources.files("wxapi.demo") / "data" / "jingzhou") as folder:
        files = [folder / "tree.csv", *sorted(folder.glob("*.geojson.gz"))]
        entries = [entry for path in files for entry in read_file(path)]
    import_regions(entries, Datum.CGCS2000, now=datetime(2026, 11, 23, tzinfo=UTC))
    return


def place(row: dict[str, str], datum: Datum, columns: str, accuracy: float = 0.0) -> Location | None:
    position = Point(float(row[f"lng_{columns}"]), float(row[f"lat_{columns}"]))
    return locate_position(position, datum, accuracy)


@pytest.mark.usefixtures("jingzhou")
def test_every_known_point() -> None:
    assert len(tree()) == 2108 + 190
    for datum, columns in DATUMS:
        for row in INSIDE:
            found = place(row, datum, columns)
            grid = found.grid.code if found.grid else ""
            assert (found.village.code, grid) == (row["village_code"], row["grid_code"]), row
            assert (found.township.code, found.county.code) == (row["township_code"], row["county_code"]), row
            # The column was measured on a sphere, to 0.1 m.
            expected = float(row["dist_to_border_m"])
            assert found.distance_to_border_m == pytest.approx(expected, rel=0.007, abs=0.1), row
        for row in OUTSIDE:
            assert place(row, datum, columns) is None, row
    _neighbours_are_candidates()


def _neighbours_are_candidates() -> None:
    """Those well within 50 m are listed, those well beyond are not; the column was measured on a sphere."""
    for row in INSIDE:
        expected = set(row["others_within_50m"].replace(";", " ").replace("|", " ").split())
        surely = {candidate.region.code for candidate in place(row, Datum.GCJ02, "gcj02", 49.8).candidates}
        perhaps = {candidate.region.code for candidate in place(row, Datum.GCJ02, "gcj02", 50.2).candidates}
        assert surely <= expected <= perhaps, row
