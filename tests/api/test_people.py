"""The signed-in person, and appointments within an administrator's regions."""

import uuid

import pytest

from tests.factories import People
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role

VILLAGE, TOWNSHIP, COUNTY, OTHER_COUNTY = "421002001001", "421002001", "421002", "421003"


def test_me_is_replaced_whole(people: People) -> None:
    person = people.make()
    changed = person.call("PUT", "/me", json={"nickname": "  小李 ", "kind": "courier"})
    assert changed.status_code == 200
    assert (changed.get_json()["nickname"], changed.get_json()["kind"]) == ("小李", "courier")
    assert person.get("/me").get_json() == changed.get_json()


@pytest.mark.parametrize(
    "body",
    [
        {"nickname": "x" * 31, "kind": "courier"},
        {"nickname": "a\x00b", "kind": "courier"},
        {"nickname": "小李", "kind": "mayor"},
        {"kind": "courier"},
        {"nickname": "小李", "kind": "courier", "role": "admin"},
    ],
)
def test_silly_changes_are_refused(people: People, body: dict[str, str]) -> None:
    response = people.make().call("PUT", "/me", json=body)
    assert (response.status_code, response.get_json()["code"]) == (422, "validation_failed")


def test_consent_is_kept_with_its_time(people: People, clock: FixedClock) -> None:
    person = people.make()
    first = person.call("PUT", "/me", json={"nickname": "", "kind": None, "consent_version": "2026-01"}).get_json()
    clock.advance(days=1)
    again = person.call("PUT", "/me", json={"nickname": "", "kind": None, "consent_version": "2026-01"}).get_json()
    assert first["consent"] == again["consent"] == {"version": "2026-01", "at": "2026-11-23T02:00:00.000Z"}


def test_an_administrator_appoints_below_himself(city: None, people: People) -> None:
    admin, worker = people.make((Role.ADMIN, COUNTY)), people.make()
    body = {"user_id": str(worker.actor.user_id), "role": "community_worker", "region_code": VILLAGE}
    made = admin.post("/appointments", body)
    assert made.status_code == 201
    assert made.get_json()["region"] == {"code": VILLAGE, "name": "001村"}
    assert worker.get("/me").get_json()["appointments"] == [
        {
            "role": "community_worker",
            "region": {"code": VILLAGE, "name": "001村"},
            "unit": None,
            "is_stand_in": False,
            "ends_on": None,
        }
    ]
    assert admin.post("/appointments", body).get_json()["code"] == "already_appointed"


@pytest.mark.parametrize("region", [OTHER_COUNTY, "4210", "421099"])
def test_elsewhere_an_administrator_sees_nothing(city: None, people: People, region: str) -> None:
    admin, other = people.make((Role.ADMIN, COUNTY)), people.make((Role.ADMIN, OTHER_COUNTY))
    body = {"user_id": str(other.actor.user_id), "role": "admin", "region_code": region}
    assert admin.post("/appointments", body).status_code == 404
    assert admin.get(f"/appointments?region={region}").status_code == 404
    theirs = other.get("/appointments").get_json()["items"][0]["id"]
    assert admin.call("DELETE", f"/appointments/{theirs}").status_code == 404
    assert other.get("/me").get_json()["appointments"]


def test_an_ended_appointment_counts_no_more(city: None, people: People) -> None:
    admin, worker = people.make((Role.ADMIN, "4210")), people.make((Role.ADMIN, VILLAGE))
    (theirs,) = admin.get(f"/appointments?region={VILLAGE}").get_json()["items"]
    assert admin.call("DELETE", f"/appointments/{theirs['id']}").status_code == 204
    assert worker.get("/appointments").status_code == 403
    assert admin.call("DELETE", f"/appointments/{theirs['id']}").status_code == 404
    assert admin.get(f"/appointments?region={VILLAGE}").get_json()["items"] == []


def test_appointments_have_dates(city: None, people: People, clock: FixedClock) -> None:
    admin, worker = people.make((Role.ADMIN, "4210")), people.make()
    body = {
        "user_id": str(worker.actor.user_id),
        "role": "admin",
        "region_code": COUNTY,
        "starts_on": "2026-11-24",
        "ends_on": "2026-11-25",
    }
    assert admin.post("/appointments", body).status_code == 201
    seen = []
    for _ in range(4):
        seen.append(worker.get("/appointments").status_code)
        clock.advance(days=1)
    assert seen == [403, 200, 200, 403]
    admin = people.make((Role.ADMIN, "4210"))
    backwards = admin.post("/appointments", {**body, "starts_on": "2026-12-02", "ends_on": "2026-12-01"})
    assert backwards.get_json()["code"] == "dates_reversed"


def test_an_unknown_person_cannot_be_appointed(city: None, people: People) -> None:
    body = {"user_id": str(uuid.uuid4()), "role": "admin", "region_code": COUNTY}
    assert people.make((Role.ADMIN, "4210")).post("/appointments", body).status_code == 404


def test_appointments_are_paged_by_region(city: None, people: People) -> None:
    admin = people.make((Role.ADMIN, "4210"))
    for region in (COUNTY, TOWNSHIP, VILLAGE, OTHER_COUNTY):
        people.make((Role.SUPERVISOR, region))
    seen, cursor = [], ""
    for _ in range(5):
        page = admin.get(f"/appointments?limit=1{cursor}").get_json()
        seen += [item["region"]["code"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ["4210", COUNTY, TOWNSHIP, VILLAGE, OTHER_COUNTY]
    assert page["next_cursor"] is None
    assert admin.get("/appointments?cursor=rubbish").get_json()["code"] == "cursor_invalid"
