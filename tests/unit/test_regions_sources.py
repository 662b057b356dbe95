"""Files as operators have them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from tests.places import square
from wxapi.kernel.errors import InvalidError
from wxapi.regions.rules.checking import Entry
from wxapi.regions.services.sources import read_file

SQUARE = square(112.2, 30.3, 112.21, 30.31)


def feature(**properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": SQUARE}


def written(path: Path, *features: Any, **members: Any) -> Path:
    text = json.dumps({"type": "FeatureCollection", "features": list(features), **members}, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> InvalidError:
    with pytest.raises(InvalidError) as refused:
        read_file(path)
    return refused.value


def test_geojson(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.geojson",
        feature(code="421002", name="沙市区", level="county", parent="4210"),
        feature(code=421003, name="荆州区", FID=7),
    )
    assert read_file(path) == [
        Entry("a.geojson features[0]", "421002", "沙市区", "county", "4210", SQUARE),
        Entry("a.geojson features[1]", "421003", "荆州区", None, None, SQUARE),
    ]


def test_csv_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "tree.csv"
    path.write_text("code,name,level,parent\n4210,荆州市,city,42\n421002,沙市区,,\n", encoding="utf-8-sig")
    assert read_file(path) == [
        Entry("tree.csv 第 2 行", "4210", "荆州市", "city", "42", None),
        Entry("tree.csv 第 3 行", "421002", "沙市区", None, None, None),
    ]


def test_a_tree_as_spreadsheets_save_it_here(tmp_path: Path) -> None:
    rows = [("code", "name", "level", "parent"), (4210, "荆州市", "city", None), ("421002", "沙市区", None, "4210")]
    text = "".join(",".join(str(cell or "") for cell in row) + "\n" for row in rows)
    (tmp_path / "tree.csv").write_bytes(text.encode("gb18030"))
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "tree.xlsx")
    for name in ("tree.csv", "tree.xlsx"):
        assert read_file(tmp_path / name) == [
            Entry(f"{name} 第 2 行", "4210", "荆州市", "city", None, None),
            Entry(f"{name} 第 3 行", "421002", "沙市区", None, "4210", None),
        ]


def test_gzipped(tmp_path: Path) -> None:
    plain = written(tmp_path / "a.geojson", feature(code="421002", name="沙市区"))
    packed = tmp_path / "b.geojson.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert [entry.code for entry in read_file(packed)] == ["421002"]
    tree = tmp_path / "tree.csv.gz"
    tree.write_bytes(gzip.compress(b"code,name,level,parent\n4210,x,city,\n", mtime=0))
    assert [entry.code for entry in read_file(tree)] == ["4210"]


def test_a_feature_without_geometry_is_not_taken_for_a_row_of_a_tree(tmp_path: Path) -> None:
    path = written(tmp_path / "a.geojson", {"type": "Feature", "properties": {"code": "4210"}, "geometry": None})
    assert read_file(path)[0].geometry == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.geojson", b"{"),
        ("a.geojson", b"[]"),
        ("a.geojson", b"[" * 100_000),
        ("a.geojson", b'{"type":"FeatureCollection","features":{}}'),
        ("a.geojson", b'{"features":[1]}'),
        ("a.geojson", b'{"features":[{"properties":null}]}'),
        ("a.geojson", "荆州".encode("gb18030")),
        ("a.geojson", "荆州沙市".encode()[:-1]),
        ("a.csv", "code,name,level,parent\n4210,荆州".encode()[:-1] + b"\n"),
        ("a.csv", "code,name,level,parent\n".encode("utf-16")),
        ("a.xlsx", b"\xd0\xcf\x11\xe0"),
        ("a.geojson.gz", b"\x1f\x8b\x08broken"),
        ("a.geojson.gz", gzip.compress(b"{}" * 1000, mtime=0)[:-9]),
        ("a.csv", b"id,name\n1,x\n"),
        ("a.csv", b""),
        ("a.csv", b'code,name,level,parent\n4210,"' + b"x" * 2**18),
    ],
)
def test_unreadable_files(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    error = refusal(path)
    assert error.code == "unreadable_file"
    assert error.detail.startswith(name)


@pytest.mark.parametrize(
    ("crs", "said"),
    [
        ("urn:ogc:def:crs:EPSG::4610", "1980 西安"),
        ("EPSG:2361", "1980 西安"),
        ("Xian_1980_3_Degree_GK_Zone_37", "1980 西安"),
        ("urn:ogc:def:crs:EPSG::4214", "1954 北京"),
        ("EPSG:2433", "1954 北京"),
        ("EPSG:21437", "1954 北京"),
        ("Beijing 1954", "1954 北京"),
        ("urn:ogc:def:crs:EPSG::4546", "EPSG:4546（以米为单位"),
        ("urn:ogc:def:crs:EPSG:6.6:4526", "EPSG:4526（以米为单位"),
        ("EPSG:3857", "EPSG:3857（不支持"),
    ],
)
def test_refused_coordinate_systems(tmp_path: Path, crs: str, said: str) -> None:
    path = written(
        tmp_path / "a.geojson",
        feature(code="4210", name="x"),
        crs={"type": "name", "properties": {"name": crs}},
    )
    error = refusal(path)
    assert error.code == "unsupported_crs"
    assert said in error.detail


@pytest.mark.parametrize(
    "crs", ["urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4490", "urn:ogc:def:crs:EPSG::4490"]
)
def test_degrees_are_taken(tmp_path: Path, crs: str) -> None:
    path = written(
        tmp_path / "a.geojson",
        feature(code="4210", name="x"),
        crs={"type": "name", "properties": {"name": crs}},
    )
    assert len(read_file(path)) == 1
