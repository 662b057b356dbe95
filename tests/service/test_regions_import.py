"""Importing regions: all or nothing, what is replaced, what stays, and every fault with its place."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests import places
from wxapi.kernel.coordinates import Datum, Point
from wxapi.kernel.errors import InvalidError
from wxapi.platform.audit import AuditRow
from wxapi.regions.models import Region, RegionVersion
from wxapi.regions.rules.checking import Entry
from wxapi.regions.services.importing import ImportSummary, Orders, import_regions
from wxapi.regions.services.lookup import locate, region_names, tree

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
A, B, C = "421002001001", "421002001002", "421002002001"


def run(entries: Iterable[Entry], **options: float) -> ImportSummary:
    return import_regions(entries, Datum.GCJ02, now=NOW, orders=Orders(**options))


def refusal(*entries: Entry) -> InvalidError:
    """Import on top of the small city, which must stay untouched; answer the refusal."""
    before = tree().version
    with pytest.raises(InvalidError) as refused:
        run(entries)
    assert tree().version == before
    return refused.value


def box(west: float, south: float, east: float, north: float) -> dict[str, object]:
    """A rectangle in village widths from the small city's corner."""
    steps = places.SIDE
    return places.square(
        places.WEST + west * steps,
        places.SOUTH + south * steps,
        places.WEST + east * steps,
        places.SOUTH + north * steps,
    )


@pytest.fixture(autouse=True)
def imported(session: Session) -> ImportSummary:
    return places.import_small_city()


def test_the_small_city_is_found_again(imported: ImportSummary) -> None:
    assert (imported.regions, imported.boundaries) == (14, 8)
    assert (tree().version, len(tree())) == (imported.version, 14)
    for code in places.VILLAGES:
        assert locate(places.centre(code)).village.code == code
    assert region_names([A, "999999"]) == {A: "001村"}


def test_an_import_leaves_its_mark(imported: ImportSummary, session: Session) -> None:
    version = session.scalars(select(RegionVersion)).one()
    assert (version.id, version.regions, version.boundaries) == (imported.version, 14, 8)
    audit = session.scalars(select(AuditRow).where(AuditRow.action == "regions.import")).one()
    assert (audit.subject, audit.detail) == (f"regions:{imported.version}", {"regions": 14})


def test_a_second_import_replaces_what_it_names_and_leaves_the_rest(imported: ImportSummary) -> None:
    # A gives its east half to B.
    found = run([places.entry(A, geometry=box(0, 0, 0.5, 1)), places.entry(B, "新名", box(0.5, 0, 2, 1))])
    assert found.version > imported.version
    assert locate(Point(112.207, 30.305)).village.code == B
    assert locate(Point(112.203, 30.305)).village.code == A
    assert tree()[B].name == "新名"
    assert len(tree()) == 14
    assert locate(places.centre(C)).village.code == C


def test_a_tree_file_renames_and_keeps_boundaries() -> None:
    summary = run([places.entry(A, "改名村"), places.entry("421002001", "改名街道")])
    assert (summary.regions, summary.boundaries) == (2, 0)
    location = locate(places.centre(A))
    assert location.village.full_name == "荆州市沙市区改名街道改名村"


def test_tree_and_boundaries_may_come_together() -> None:
    new = "421003001002"
    summary = run([places.entry(new), places.entry(new, geometry=box(3, 1, 4, 2))])
    assert (summary.regions, summary.boundaries) == (1, 1)
    assert locate(Point(112.235, 30.315)).village.code == new


def test_children_may_stand_before_their_parents() -> None:
    new = [places.entry("421003002001", geometry=box(3, 0, 4, 1)), places.entry("421003002", "新街道")]
    assert run(new).regions == 2


def test_long_edges_are_cut_on_import(session: Session) -> None:
    stored = session.scalar(select(func.length(Region.boundary)).where(Region.code == A))
    assert stored is not None
    assert stored > 16 * 4 * 4  # at least four edges on each of four sides


def test_unknown_parent() -> None:
    error = refusal(places.entry("421009001", "孤儿镇"))
    assert error.code == "unknown_parent"
    assert "test 421009001" in error.detail
    assert "421009" in error.detail


def test_duplicated_code() -> None:
    error = refusal(
        replace(places.entry(A, geometry=box(0, 0, 1, 1)), where="a.geojson features[3]"),
        replace(places.entry(A, geometry=box(0, 0, 1, 1)), where="b.geojson features[5]"),
    )
    assert error.code == "duplicated_code"
    assert "b.geojson features[5]" in error.detail
    assert "a.geojson features[3]" in error.detail


def test_one_code_under_two_names() -> None:
    assert refusal(places.entry(A, "甲"), places.entry(A, "乙", box(0, 0, 1, 1))).code == "conflicting_names"


def test_wrong_level_and_wrong_parent() -> None:
    village = places.entry(A)
    assert refusal(replace(village, level="township")).code == "wrong_level"
    assert refusal(replace(village, parent="421003001")).code == "wrong_parent"


def test_overlap_with_a_sibling_of_the_import() -> None:
    error = refusal(places.entry(A, geometry=box(0, 0, 1.2, 1)), places.entry(B, geometry=box(1, 0, 2, 1)))
    assert error.code == "overlap"
    assert f"test {A}" in error.detail
    assert f"test {B}" in error.detail
    # 0.2 × 961 m wide, 1,109 m high.
    assert any(f"{area:,}" in error.detail for area in range(212_000, 214_500))


def test_overlap_with_a_neighbour_that_stays() -> None:
    error = refusal(places.entry(A, geometry=box(0, 0, 1, 1.1)))
    assert error.code == "overlap"
    assert C in error.detail
    assert "数据库" in error.detail


def test_a_copy_of_a_neighbour_is_an_overlap() -> None:
    assert refusal(places.entry("421002001009", geometry=places.village_square(B))).code == "overlap"


def test_slivers_up_to_the_tolerance_are_let_pass() -> None:
    metre = 1 / 961.6
    wide = [places.entry(A, geometry=box(0, 0, 1 + 3 * metre, 1))]
    assert refusal(*wide).code == "overlap"
    assert run([places.entry(A, geometry=box(0, 0, 1 + 1.5 * metre, 1))]).boundaries == 1
    assert run(wide, overlap_tolerance_m=4.0).boundaries == 1


def test_every_fault_is_told_at_once() -> None:
    bow_tie = {
        "type": "Polygon",
        "coordinates": [[[112.2, 30.3], [112.21, 30.31], [112.21, 30.3], [112.2, 30.31], [112.2, 30.3]]],
    }
    error = refusal(
        places.entry(A, geometry=bow_tie), places.entry(B, geometry=places.square(30.3, 112.2, 30.31, 112.21))
    )
    assert error.code == "invalid_polygon"
    assert f"test {A}" in error.detail
    assert f"test {B}" in error.detail


def test_a_flood_of_faults_is_cut() -> None:
    error = refusal(*(places.entry(f"4210030010{number:02}", geometry={"type": "Point"}) for number in range(30)))
    assert len(error.detail.splitlines()) == 21
    assert "另有 10 处" in error.detail


def test_nothing_is_written_when_the_last_feature_is_wrong(session: Session) -> None:
    refusal(places.entry("421003009", "新镇"), places.entry("421003001009", geometry=places.square(0, 0, 1, 1)))
    assert session.get(Region, "421003009") is None
    assert "421003009" not in tree()


def test_progress_is_shown_for_each_phase() -> None:
    seen: dict[str, int] = {}

    def track(label: str, items: Iterable[object]) -> Iterable[object]:
        for item in items:
            seen[label] = seen.get(label, 0) + 1
            yield item

    import_regions(places.small_city_entries(), Datum.GCJ02, now=NOW, track=track)
    assert seen == {"检查边界": 14, "检查重叠": 5, "写入数据库": 1}


def test_outside_the_city() -> None:
    assert locate(Point(112.19, 30.305)) is None
