"""Regions that are closed, merged, split, renamed and given new codes: what is open goes on, what is old stays."""

import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests import places, reporting
from tests.conftest import NOW
from tests.reporting import (
    COUNTY,
    NEIGHBOUR,
    OTHER_TOWNSHIP,
    OTHER_VILLAGE,
    TOWNSHIP,
    VILLAGE,
    Town,
    accepted,
    actions_of,
    file,
    file_routed,
    photo,
    read,
    resolved,
    take,
    try_to,
)
from tests.schooling import plan
from wxapi.app import REGION_HOLDINGS
from wxapi.duties.models import Duty
from wxapi.duties.queries.people import unit_people
from wxapi.identity.models import AppointmentRow, RosterEntry
from wxapi.identity.queries import actor_of
from wxapi.kernel.coordinates import Datum
from wxapi.kernel.errors import ConflictError, InvalidError
from wxapi.kernel.permissions import Role
from wxapi.platform.audit import AuditRow
from wxapi.platform.db import transaction
from wxapi.regions.models import Region
from wxapi.regions.services import changing, holdings
from wxapi.regions.services.changing import Merger
from wxapi.regions.services.importing import Orders, import_regions
from wxapi.regions.services.lookup import locate, tree
from wxapi.reports.models import Report
from wxapi.reports.services import route
from wxapi.reports.services.duty_checks import differing
from wxapi.units.models import Unit

NEW = "421002001009"
TODAY = NOW.date()


def flask_regions(app: Flask, *arguments: object) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["regions", *map(str, arguments)])
    return result.exit_code, result.output


def close(app: Flask, *codes: str, into: str = NEIGHBOUR, options: tuple[str, ...] = ()) -> str:
    code, output = flask_regions(app, "close", *codes, "--into", into, "--on", TODAY, *options)
    assert code == 0, output
    return output


def stored(session: Session, report: dict[str, Any]) -> Report:
    row = session.get_one(Report, uuid.UUID(report["id"]), populate_existing=True)
    assert row is not None
    return row


def offices(session: Session, person: Any) -> list[tuple[str, str]]:
    actor = actor_of(session, person.actor.user_id, today=TODAY)
    return [(held.role.value, held.region_code) for held in actor.appointments]


def nothing_differs(session: Session) -> bool:
    """The duties in the table are what each report's history folds to."""
    return not list(differing(session, NOW - timedelta(days=30), NOW + timedelta(days=30)))


def test_a_merged_village_hands_on_all_that_is_open(app: Flask, town: Town, session: Session) -> None:
    waiting, routed, working = file(town.reporter), file_routed(town.reporter), accepted(town)
    done = resolved(town)
    held = take(town.worker, accepted(town), "request_hold", reason_code="weather", note="雨", review_on="2026-12-01")
    handed = take(
        town.neighbour, take(town.neighbour, file_routed(town.reporter, NEIGHBOUR), "accept"), "hand_on",
        desk_code=VILLAGE, note="请协助",
    )  # fmt: skip
    output = close(app, VILLAGE)
    assert "001村 → 421002001002 002村" in output
    assert "未办结上报 6" in output
    for report in (routed, working, done, held, handed):
        row = stored(session, report)
        assert (row.desk_code, row.village_code, row.desk_village_code) == (NEIGHBOUR, NEIGHBOUR, NEIGHBOUR)
        shown = read(town.neighbour, report["id"])
        assert actions_of(shown)[-1] == "redistrict"
        assert shown["timeline"][-1]["note"] == "区划调整：001村已并入或改设为002村。"
    assert stored(session, held).hold_pending  # the same work under another name
    assert stored(session, waiting).village_code == NEIGHBOUR
    route.route_report(uuid.UUID(waiting["id"]), now=NOW)
    assert stored(session, waiting).desk_code == NEIGHBOUR
    assert session.scalars(select(Duty.unit_code).where(Duty.met_at.is_(None), Duty.dropped_at.is_(None))).all()
    assert not session.scalars(
        select(Duty).where(Duty.unit_code == VILLAGE, Duty.met_at.is_(None), Duty.dropped_at.is_(None))
    ).all()
    assert nothing_differs(session)
    take(town.worker, read(town.worker, routed["id"]), "accept")  # the people came along


def test_what_is_over_keeps_the_names_of_its_time(app: Flask, town: Town, session: Session) -> None:
    old = take(town.reporter, resolved(town), "confirm", rating=5)
    with transaction() as writing:
        writing.execute(text("UPDATE reports SET closed_at = :at"), {"at": NOW - timedelta(days=16)})
    lately = take(town.reporter, resolved(town), "confirm", rating=5)
    close(app, VILLAGE)
    assert (stored(session, old).village_code, stored(session, old).desk_code) == (VILLAGE, VILLAGE)
    shown = read(town.officer, old["id"])
    assert (shown["region"]["name"], shown["desk"]["name"]) == ("001村", "001村")
    assert actions_of(shown)[-1] == "confirm"
    reopened = take(town.reporter, read(town.reporter, lately["id"]), "reopen", note="又满了")
    assert reopened["state"] == "accepted"
    take(town.neighbour, read(town.neighbour, lately["id"]), "resolve", note="清", photo_ids=[photo(town.neighbour)])
    asked = f"set=reports&group_by=place&region={TOWNSHIP}&from=2026-11-01&to=2026-12-31"
    table = town.supervisor.get(f"/statistics?{asked}").get_json()
    assert [row["name"] for row in table["rows"]] == ["001村", "002村", "003村"]


def test_people_go_on_and_stay_kept_from_complaints_about_where_they_were(
    app: Flask, town: Town, session: Session
) -> None:
    former = town.people.make((Role.COMMUNITY_WORKER, VILLAGE), (Role.TOWNSHIP_OFFICER, TOWNSHIP))
    with transaction() as writing:
        writing.execute(
            text("UPDATE appointments SET ended_at = :at WHERE user_id = :id AND region_code = :region"),
            {"at": NOW, "id": former.actor.user_id, "region": VILLAGE},
        )
    secret = file_routed(town.reporter, category_code="X0201")
    assert stored(session, secret).excluded_village_code == VILLAGE
    close(app, VILLAGE)
    row = stored(session, secret)
    assert (row.excluded_village_code, row.desk_code) == (NEIGHBOUR, TOWNSHIP)
    for kept_out in (town.worker, town.neighbour, former):
        assert kept_out.get(f"/reports/{secret['id']}").status_code == 404
    assert town.officer.get(f"/reports/{secret['id']}").status_code == 200
    assert offices(session, town.worker) == [("community_worker", NEIGHBOUR)]
    actions = session.scalars(
        select(AuditRow.action).where(AuditRow.subject == f"user:{town.worker.actor.user_id}").order_by(AuditRow.id)
    ).all()
    assert sorted(actions[-2:]) == ["appointment.add", "appointment.end"]  # one moment, in no order


def test_a_complaint_that_is_over_stays_hidden_through_two_mergers(app: Flask, town: Town, session: Session) -> None:
    """Who was of a village that went into another, and this one into a third: each region knows its last successor."""
    former = town.people.make((Role.COMMUNITY_WORKER, OTHER_VILLAGE), (Role.SUPERVISOR, COUNTY))
    with transaction() as writing:
        office = {"at": NOW, "id": former.actor.user_id, "region": OTHER_VILLAGE}
        writing.execute(
            text("UPDATE appointments SET ended_at = :at WHERE user_id = :id AND region_code = :region"), office
        )
    secret = file_routed(town.reporter, category_code="X0201")
    over = text("UPDATE reports SET state = 'closed', reopened = true, closed_at = created_at")
    assert former.get(f"/reports/{secret['id']}").status_code == 200
    for closed, into in ((OTHER_VILLAGE, VILLAGE), (VILLAGE, NEIGHBOUR)):
        close(app, closed, into=into)
        assert former.get(f"/reports/{secret['id']}").status_code == 404, closed
        assert former.actor.user_id not in unit_people(session, COUNTY, [into], today=TODAY)
        with transaction() as writing:
            writing.execute(over)
    row = stored(session, secret)
    assert (row.village_code, row.excluded_village_code) == (VILLAGE, NEIGHBOUR)
    assert town.supervisor.get(f"/reports/{secret['id']}").status_code == 200


def test_a_unit_its_officer_and_its_list_follow(app: Flask, town: Town, session: Session) -> None:
    admin = town.people.make((Role.ADMIN, COUNTY))
    unit = {"region_code": VILLAGE, "suffix": "wy", "name": "物业公司", "kind": "company", "field": None}
    assert admin.post("/units", unit).status_code == 201
    wanted = {"role": "unit_officer", "unit_code": f"{VILLAGE}-wy", "user_id": str(town.stranger.actor.user_id)}
    assert admin.post("/appointments", wanted).status_code == 201
    close(app, VILLAGE)
    old, new = session.get_one(Unit, f"{VILLAGE}-wy"), session.get_one(Unit, f"{NEIGHBOUR}-wy")
    assert (old.closed_on, old.successor_code, new.name) == (TODAY, f"{NEIGHBOUR}-wy", "物业公司")
    row = session.scalars(
        select(AppointmentRow).where(AppointmentRow.role == "unit_officer", AppointmentRow.ended_at.is_(None))
    ).one()
    assert (row.region_code, row.unit_code) == (NEIGHBOUR, f"{NEIGHBOUR}-wy")


def test_sessions_to_come_and_their_audience_follow(app: Flask, town: Town, session: Session) -> None:
    organiser = town.people.make((Role.TRAINING_ORGANISER, VILLAGE))
    made = organiser.post("/training/sessions", plan(region_code=VILLAGE, audience={"region_codes": [VILLAGE]}))
    assert made.status_code == 201, made.get_json()
    close(app, VILLAGE)
    shown = organiser.get(f"/training/sessions/{made.get_json()['id']}").get_json()
    assert shown["region"]["code"] == NEIGHBOUR
    assert shown["audience"]["region_codes"] == [NEIGHBOUR]
    assert shown["version"] == made.get_json()["version"] + 1


def test_two_villages_become_a_third_with_the_ground_of_both(app: Flask, town: Town, session: Session) -> None:
    a, b = file_routed(town.reporter), file_routed(town.reporter, NEIGHBOUR)
    output = close(app, VILLAGE, NEIGHBOUR, into=NEW, options=("--name", "新村"))
    assert "421002001009 新村" in output
    for code in (VILLAGE, NEIGHBOUR):
        found = locate(places.centre(code))
        assert found is not None
        assert found.village.code == NEW
        assert tree()[code].name == f"{code[-3:]}村"
    assert {stored(session, each).desk_code for each in (a, b)} == {NEW}
    assert {place for _, place in offices(session, town.worker) + offices(session, town.neighbour)} == {NEW}
    assert tree().standing.isdisjoint({VILLAGE, NEIGHBOUR, f"{VILLAGE}001"})
    listed = town.reporter.get(f"/regions?parent={TOWNSHIP}").get_json()["items"]
    assert [each["code"] for each in listed] == ["421002001003", NEW]
    shown = town.reporter.get(f"/regions/{VILLAGE}").get_json()
    assert (shown["closed_on"], shown["successor_code"]) == (TODAY.isoformat(), NEW)


def test_a_later_merger_leads_the_first_ones_on(app: Flask, town: Town) -> None:
    close(app, VILLAGE)
    close(app, NEIGHBOUR, into="421002001003")
    assert tree().successor(VILLAGE) == tree().successor(NEIGHBOUR) == "421002001003"


def halves(folder: Path) -> Path:
    """The village in two: its west keeps the people, its east goes to another."""
    west, east = places.WEST, places.WEST + places.SIDE
    middle = west + places.SIDE / 2
    north = places.SOUTH + places.SIDE
    grounds = {NEW: (west, middle), "421002001008": (middle, east)}
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": f"{code[-3:]}村"},
            "geometry": places.square(left, places.SOUTH, right, north),
        }
        for code, (left, right) in grounds.items()
    ]
    path = folder / "halves.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def test_a_split_village_s_reports_go_where_their_points_lie(
    app: Flask, town: Town, session: Session, tmp_path: Path
) -> None:
    east = file_routed(town.reporter)  # `body` puts it east of the middle
    point = places.centre(VILLAGE)
    location = {"longitude": point.longitude - 0.002, "latitude": point.latitude, "coord_type": "gcj02"}
    west = file_routed(town.reporter, location={**location, "accuracy": 5.0, "picked_by": "gps"})
    options = ("import", halves(tmp_path), "--datum", "gcj02", "--closing", f"{VILLAGE}={NEW}", "--on", TODAY)
    code, output = flask_regions(app, *options, "--dry-run")
    assert (code, tree().get(NEW), stored(session, west).village_code) == (0, None, VILLAGE), output
    for line in ("新增 2：", f"  {NEW} 009村", "撤销 3：", "未办结上报 2", "任职和名单 2", "未作任何更改"):
        assert line in output
    code, output = flask_regions(app, *options)
    assert code == 0, output
    assert stored(session, west).desk_code == NEW
    assert stored(session, east).desk_code == "421002001008"
    assert offices(session, town.worker) == [("community_worker", NEW)]
    assert nothing_differs(session)


def test_a_township_gets_another_code_with_all_below_it(app: Flask, town: Town, session: Session) -> None:
    on_desk, secret = accepted(town), file_routed(town.reporter, category_code="X0201")
    new = "421002009"
    code, output = flask_regions(app, "recode", TOWNSHIP, new, "--name", "新街道", "--on", TODAY)
    assert code == 0, output
    village = f"{new}001"
    found = locate(places.centre(VILLAGE))
    assert found is not None
    assert (found.village.code, found.township.name, found.grid.code if found.grid else None) == (
        village, "新街道", f"{village}001",  # a border of two grids
    )  # fmt: skip
    row = stored(session, on_desk)
    assert (row.desk_code, row.desk_township_code, row.village_code, row.township_code, row.grid_code) == (
        village, new, village, new, f"{village}002",
    )  # fmt: skip
    assert (stored(session, secret).desk_code, stored(session, secret).excluded_village_code) == (new, village)
    assert offices(session, town.officer) == [("township_officer", new)]
    assert town.worker.get(f"/reports/{secret['id']}").status_code == 404
    assert nothing_differs(session)


def test_a_village_that_goes_to_another_township_takes_its_reports_to_that_township(
    app: Flask, town: Town, session: Session
) -> None:
    report = take(town.worker, file_routed(town.reporter), "return", reason_code="not_ours", note="不归我们")
    assert stored(session, report).desk_code == TOWNSHIP
    close(app, VILLAGE, into=OTHER_VILLAGE)
    row = stored(session, report)
    assert (row.desk_code, row.township_code, row.state) == (OTHER_TOWNSHIP, OTHER_TOWNSHIP, "triage")
    assert nothing_differs(session)


def test_a_region_in_use_is_not_closed_without_a_successor(app: Flask, town: Town, session: Session) -> None:
    file_routed(town.reporter)
    refused = []
    for dry_run in ((), ("--dry-run",)):
        code, output = flask_regions(app, "close", VILLAGE, "--on", TODAY, *dry_run)
        assert (code, "region_in_use" in output, "未办结上报 1" in output, "任职和名单 2" in output) == (
            1,
            True,
            True,
            True,
        )
        refused.append(output)
    assert refused[0] == refused[1], "a dry run refuses what the change would"
    nobody_goes_on = Orders(closing={VILLAGE: None}, on=TODAY, dry_run=True)
    with pytest.raises(ConflictError, match="region_in_use"):
        import_regions([places.entry(NEW)], Datum.GCJ02, now=NOW, orders=nobody_goes_on)
    assert session.get_one(Region, VILLAGE, populate_existing=True).closed_on is None
    assert VILLAGE in tree().standing
    code, output = flask_regions(app, "close", "421003001001", "--on", TODAY)
    assert (code, tree().successor("421003001001")) == (0, None), output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("close", VILLAGE, "--into", VILLAGE), "successor_invalid"),
        (("close", VILLAGE, "--into", TOWNSHIP), "successor_invalid"),
        (("close", VILLAGE, NEIGHBOUR, "--into", NEIGHBOUR), "successor_invalid"),
        (("close", VILLAGE, "--into", "421002001999"), "successor_invalid"),
        (("close", "421002001999", "--into", VILLAGE), "unknown_region"),
        (("close", TOWNSHIP, "--into", OTHER_TOWNSHIP), "region_has_parts"),
        (("close", VILLAGE, "--into", NEIGHBOUR, "--name", "新村"), "code_taken"),
        (("close", VILLAGE, "--into", "42100x", "--name", "新村"), "bad_code"),
        (("close", VILLAGE, "--into", "421009001001", "--name", "新村"), "unknown_parent"),
        (("recode", VILLAGE, NEIGHBOUR), "code_taken"),
        (("recode", VILLAGE, "421002009"), "bad_code"),
        (("recode", VILLAGE, "421009001001"), "unknown_parent"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    app: Flask, town: Town, arguments: tuple[str, ...], code: str
) -> None:
    before = tree().version
    status, output = flask_regions(app, *arguments, "--on", TODAY)
    assert (status, f"[{code}] 未作任何更改。" in output) == (1, True), output
    assert tree().version == before


def test_no_day_to_come_and_no_second_time(app: Flask, town: Town) -> None:
    assert "date_in_future" in flask_regions(app, "close", VILLAGE, "--into", NEIGHBOUR, "--on", "2026-12-31")[1]
    close(app, VILLAGE)
    assert "region_closed" in flask_regions(app, "close", VILLAGE, "--into", NEIGHBOUR, "--on", TODAY)[1]
    assert "region_closed" in flask_regions(app, "rename", VILLAGE, "旧村")[1]


def test_a_village_gets_another_name(app: Flask, town: Town) -> None:
    dry = flask_regions(app, "rename", VILLAGE, "健康村", "--dry-run")
    assert dry == (0, f"{VILLAGE}：001村 将更名为 健康村。未作任何更改。\n")
    assert "bad_name" in flask_regions(app, "rename", VILLAGE, "", "--dry-run")[1]
    assert flask_regions(app, "rename", VILLAGE, "健康村") == (0, f"{VILLAGE}：001村 已更名为 健康村。\n")
    assert town.reporter.get(f"/regions/{VILLAGE}").get_json()["name"] == "健康村"


def test_a_closed_code_is_not_imported_again(app: Flask, town: Town, tmp_path: Path) -> None:
    close(app, VILLAGE)
    with pytest.raises(InvalidError) as refused:
        import_regions([places.entry(VILLAGE)], Datum.GCJ02, now=NOW)
    assert (refused.value.code, "该区划已撤销，不能再导入。" in refused.value.detail) == ("region_closed", True)
    # Its ground is free for another.
    import_regions(
        [places.entry(NEIGHBOUR, geometry=places.village_square(NEIGHBOUR)),
         places.entry(NEW, geometry=places.village_square(VILLAGE))],
        Datum.GCJ02, now=NOW,
    )  # fmt: skip
    found = locate(places.centre(VILLAGE))
    assert found is not None
    assert found.village.code == NEW


def test_a_dry_run_of_an_import_says_what_would_change(app: Flask, town: Town, tmp_path: Path) -> None:
    path = tmp_path / "tree.csv"
    path.write_text(
        f"code,name,level,parent\n{VILLAGE},健康村,village,{TOWNSHIP}\n{NEW},新村,village,{TOWNSHIP}\n"
        f"{NEIGHBOUR},002村,village,{TOWNSHIP}\n",
        encoding="utf-8",
    )
    code, output = flask_regions(app, "import", path, "--datum", "gcj02", "--dry-run")
    assert code == 0
    assert "新增 1：\n  421002001009 新村\n更名 1：\n  421002001001 001村 → 健康村\n" in output
    assert "将导入 3 个区域、0 条边界。未作任何更改。" in output
    assert (tree().get(NEW), tree()[VILLAGE].name) == (None, "001村")
    orders = Orders(closing={VILLAGE: NEIGHBOUR}, on=TODAY, dry_run=True)
    summary = import_regions([places.entry(NEW)], Datum.GCJ02, now=NOW, orders=orders)
    assert (summary.version, summary.closed[VILLAGE], VILLAGE in tree().standing) == (None, NEIGHBOUR, True)


def test_a_dry_run_names_a_successor_that_it_does_not_make(app: Flask, town: Town) -> None:
    code, output = flask_regions(
        app, "close", VILLAGE, NEIGHBOUR, "--into", NEW, "--name", "新村", "--on", TODAY, "--dry-run"
    )
    assert (code, f"  {NEIGHBOUR} 002村 → {NEW} 新村\n" in output, tree().get(NEW)) == (0, True, None), output
    code, output = flask_regions(app, "recode", VILLAGE, NEW, "--name", "新村", "--on", TODAY, "--dry-run")
    assert (code, f"  {VILLAGE} 001村 → {NEW} 新村\n" in output) == (0, True), output


def test_a_change_hands_on_what_its_dry_run_told(app: Flask, town: Town) -> None:
    file(town.reporter), accepted(town), resolved(town)
    told = close(app, VILLAGE, options=("--dry-run",))
    assert "其他未办事项" in told
    (line,) = [each for each in told.splitlines() if each.startswith("移交：")]
    assert line in close(app, VILLAGE).splitlines()


def test_nothing_new_begins_in_a_closed_region(app: Flask, town: Town) -> None:
    admin = town.people.make((Role.ADMIN, COUNTY), (Role.TRAINING_ORGANISER, COUNTY))
    busy = accepted(town)
    elsewhere = take(town.neighbour, file_routed(town.reporter, NEIGHBOUR), "accept")
    close(app, VILLAGE, into="421002001003")
    person = str(town.stranger.actor.user_id)
    unit = {"region_code": VILLAGE, "suffix": "wy", "name": "物业", "kind": "company", "field": None}
    refusals = [
        admin.post("/appointments", {"user_id": person, "role": "community_worker", "region_code": VILLAGE}),
        admin.post("/units", unit),
        admin.post("/training/sessions", plan(region_code=VILLAGE)),
        admin.post("/training/sessions", plan(region_code=COUNTY, audience={"region_codes": [VILLAGE]})),
        admin.post("/training/series", {"title": "轮训", "region_code": VILLAGE}),
        admin.get(f"/regions/{VILLAGE}/mini-program-code"),
        town.reporter.post("/reports", reporting.body(NEIGHBOUR, region_code=VILLAGE), key=reporting.random_key()),
        try_to(town.neighbour, elsewhere, "hand_on", desk_code=VILLAGE, note="请办"),
    ]
    assert [(each.status_code, each.get_json()["code"]) for each in refusals] == [(422, "region_closed")] * 8
    assert "001村已于 2026-11-23 撤销，由" in refusals[0].get_json()["detail"]
    assert busy["id"]


def test_what_came_in_between_is_handed_on_by_the_sweep(app: Flask, town: Town, session: Session) -> None:
    close(app, VILLAGE)
    with transaction() as writing:  # as a process that did not know of it yet would write it
        writing.add(
            AppointmentRow(
                id=uuid.uuid4(), user_id=town.stranger.actor.user_id, role="community_worker",
                region_code=VILLAGE, starts_on=TODAY,
            )
        )  # fmt: skip
    late = file(town.reporter)
    with transaction() as writing:
        writing.execute(text("UPDATE reports SET village_code = :old"), {"old": VILLAGE})
    route.route_report(uuid.UUID(late["id"]), now=NOW)
    assert stored(session, late).desk_code == NEIGHBOUR  # the router looked itself
    with transaction() as writing:
        row = writing.get_one(Report, uuid.UUID(late["id"]))
        row.village_code = row.desk_code = row.desk_village_code = VILLAGE
        for duty in writing.scalars(select(Duty).where(Duty.subject_id == row.id)):
            duty.unit_code = VILLAGE
    assert changing.settle(now=NOW) == 2
    assert changing.settle(now=NOW) == 0
    assert stored(session, late).desk_code == NEIGHBOUR
    assert offices(session, town.stranger) == [("community_worker", NEIGHBOUR)]


def test_a_report_that_comes_while_its_village_is_handed_on_follows_with_its_duties(
    app: Flask, town: Town, session: Session
) -> None:
    """Routed after the reports were looked for, and before what they owe was: it stayed with the closed village for ever."""
    late = file_routed(town.reporter)
    holdings.install(app, [each for each in REGION_HOLDINGS if each.name != "reports"])
    try:
        changing.close_regions(Merger([VILLAGE], NEIGHBOUR), on=TODAY, now=NOW)
    finally:
        holdings.install(app, REGION_HOLDINGS)
    assert stored(session, late).desk_code == VILLAGE
    assert changing.settle(now=NOW) == 1
    assert changing.settle(now=NOW) == 0
    assert stored(session, late).desk_code == NEIGHBOUR
    owed = session.scalars(select(Duty.unit_code).where(Duty.dropped_at.is_(None), Duty.met_at.is_(None)))
    assert set(owed) == {NEIGHBOUR}
    assert list(differing(session, NOW - timedelta(days=1), NOW + timedelta(days=1))) == []


def test_a_fault_while_handing_on_leaves_everything_as_it_was(app: Flask, town: Town, session: Session) -> None:
    report = file_routed(town.reporter)
    with transaction() as writing:
        writing.execute(
            text(
                "CREATE FUNCTION no_duty() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;"
                "CREATE TRIGGER no_duty BEFORE INSERT ON duties FOR EACH ROW EXECUTE FUNCTION no_duty()"
            )
        )
    with pytest.raises(Exception, match="no"):
        changing.close_regions(Merger([VILLAGE], NEIGHBOUR), on=TODAY, now=NOW)
    assert stored(session, report).desk_code == VILLAGE
    assert VILLAGE in tree().standing
    assert offices(session, town.worker) == [("community_worker", VILLAGE)]


def test_the_list_of_people_follows_without_twins(app: Flask, town: Town, session: Session, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    rows = [
        f"张三,书记,1380000000{n},community_worker,{code}" for n, code in ((1, VILLAGE), (1, NEIGHBOUR), (2, VILLAGE))
    ]
    path.write_text("\n".join(["姓名,职务,手机号,角色,区域", *rows]), encoding="utf-8")
    imported = app.test_cli_runner().invoke(args=["people", "import", str(path)])
    assert imported.exit_code == 0, imported.output
    close(app, VILLAGE)
    assert session.scalars(select(RosterEntry.region_code)).all() == [NEIGHBOUR, NEIGHBOUR]
    again = app.test_cli_runner().invoke(args=["people", "import", str(path)])
    assert "第 2 行：区域已撤销。" in again.output


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM regions WHERE false", "UPDATE regions SET code = '4210' WHERE false", "TRUNCATE regions CASCADE"],
)
def test_no_region_is_removed_or_gets_another_code(app: Flask, statement: str) -> None:
    """Reports name their village and grid without a foreign key: what was there when one was filed must stay there."""
    with pytest.raises(DBAPIError, match="never removed"), transaction() as session:
        session.execute(text(statement))
