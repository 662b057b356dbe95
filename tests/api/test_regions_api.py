"""The tree and `locate` over HTTP, shaped as the contract says."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import places
from tests.factories import People, Person

A, B, C = "421002001001", "421002001002", "421002002001"
ON_SHARED_BORDER = {"longitude": 112.21, "latitude": 30.305}


@pytest.fixture
def person(app: Flask, people: People) -> Person:
    places.import_small_city()
    return people.make()


def locate(person: Person, **query: Any) -> dict[str, Any]:
    answer = person.get("/regions/locate", query_string={"coord_type": "gcj02", **query})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.get_json()
    return body


def test_the_roots(person: Person) -> None:
    body = person.get("/regions").get_json()
    assert body == {
        "items": [
            {
                "code": "4210",
                "name": "荆州市",
                "level": "city",
                "parent_code": None,
                "full_name": "荆州市",
                "path": ["4210"],
            }
        ],
        "next_cursor": None,
    }


def test_children_page_by_page(person: Person) -> None:
    first = person.get("/regions", query_string={"parent": "421002001", "limit": 2}).get_json()
    assert [item["code"] for item in first["items"]] == [A, B]
    query = {"parent": "421002001", "limit": 2, "cursor": first["next_cursor"]}
    second = person.get("/regions", query_string=query).get_json()
    assert [item["code"] for item in second["items"]] == ["421002001003"]
    assert second["next_cursor"] is None


def test_a_village_has_its_grids_as_children_and_a_grid_has_none(person: Person) -> None:
    grids = person.get("/regions", query_string={"parent": A}).get_json()["items"]
    assert [grid["code"] for grid in grids] == [A + "001", A + "002"]
    assert person.get("/regions", query_string={"parent": A + "001"}).get_json()["items"] == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"parent": "421099"}, 404, "not_found"),
        ({"parent": "x"}, 422, None),
        ({"parent": "4210\n"}, 422, None),
        ({"limit": 101}, 422, None),
        ({"cursor": "%%"}, 400, "cursor_invalid"),
    ],
)
def test_refused_lists(person: Person, query: dict[str, Any], status: int, code: str | None) -> None:
    answer = person.get("/regions", query_string=query)
    assert answer.status_code == status
    assert code is None or answer.get_json()["code"] == code


def test_a_cursor_of_another_shape_is_no_fault_of_the_server(person: Person) -> None:
    # base64url of [7]
    assert person.get("/regions", query_string={"cursor": "Wzdd"}).status_code == 400


def test_one_region(person: Person) -> None:
    assert person.get(f"/regions/{A}").get_json() == {
        "code": A,
        "name": "001村",
        "level": "village",
        "parent_code": "421002001",
        "full_name": "荆州市沙市区中山街道001村",
        "path": ["4210", "421002", "421002001", A],
    }


@pytest.mark.parametrize("code", ["421099", "nowhere", "4210%20", "%EF%BF%BD"])
def test_an_unknown_region(person: Person, code: str) -> None:
    answer = person.get(f"/regions/{code}")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_locate(person: Person) -> None:
    body = locate(person, longitude=112.203, latitude=30.304, accuracy=12)
    assert set(body) == {"village", "grid", "township", "county", "candidates", "distance_to_border_m"}
    codes = [body[level]["code"] for level in ("village", "grid", "township", "county")]
    assert codes == [A, A + "001", "421002001", "421002"]
    assert body["candidates"] == []
    assert body["distance_to_border_m"] == pytest.approx(288.5, abs=0.1)


def test_locate_outside_the_pilot_has_no_grid(person: Person) -> None:
    assert locate(person, longitude=112.215, latitude=30.305)["grid"] is None


def test_locate_on_a_shared_border(person: Person) -> None:
    for _ in range(3):
        body = locate(person, **ON_SHARED_BORDER)
        assert body["village"]["code"] == A
        assert body["candidates"] == [
            {"code": B, "name": "002村", "full_name": "荆州市沙市区中山街道002村", "distance_m": 0.0}
        ]
        assert body["distance_to_border_m"] == 0.0


def test_locate_with_a_poor_reading(person: Person) -> None:
    near = {"longitude": 112.2099, "latitude": 30.3099}
    assert [found["code"] for found in locate(person, **near)["candidates"]] == [B]
    assert [found["code"] for found in locate(person, **near, accuracy=30)["candidates"]] == [B, C, "421002002002"]


def test_locate_in_wgs84_is_converted(person: Person) -> None:
    # 112.21, 30.305 in WGS-84 lies 550 m east and 280 m south of itself in GCJ-02.
    body = locate(person, longitude=112.21, latitude=30.305, coord_type="wgs84")
    assert body["village"]["code"] == B
    assert body["candidates"] == []


@pytest.mark.parametrize(
    "position", [(112.1, 30.3), (116.4, 39.9), (0, 0), (30.305, 22.2), (112.2, -30.3), (-112.2, 30.3)]
)
@pytest.mark.parametrize("coord_type", ["gcj02", "wgs84"])
def test_outside_is_404(person: Person, position: tuple[float, float], coord_type: str) -> None:
    query = {"longitude": position[0], "latitude": position[1], "coord_type": coord_type}
    answer = person.get("/regions/locate", query_string=query)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "outside_service_area")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"coord_type": None}, "coord_type"),
        ({"coord_type": "bd09"}, "coord_type"),
        ({"coord_type": "cgcs2000"}, "coord_type"),
        ({"coord_type": "GCJ02"}, "coord_type"),
        ({"longitude": None}, "longitude"),
        ({"latitude": None}, "latitude"),
        ({"latitude": 112.2}, "latitude"),
        ({"longitude": 200}, "longitude"),
        ({"longitude": "nan"}, "longitude"),
        ({"latitude": "inf"}, "latitude"),
        ({"accuracy": -1}, "accuracy"),
        ({"accuracy": "nan"}, "accuracy"),
        ({"accuracy": "1e300"}, "accuracy"),
    ],
)
def test_invalid_questions(person: Person, change: dict[str, Any], field: str) -> None:
    query = {"longitude": 112.205, "latitude": 30.305, "coord_type": "gcj02"} | change
    answer = person.get("/regions/locate", query_string={k: v for k, v in query.items() if v is not None})
    assert answer.status_code == 422
    assert field in str(answer.get_json()["errors"])


@pytest.mark.parametrize(
    "path", ["/regions", "/regions/4210", "/regions/locate?longitude=112&latitude=30&coord_type=gcj02"]
)
def test_strangers_learn_nothing(client: FlaskClient, path: str) -> None:
    assert client.get(f"/api/v1{path}").status_code == 401
