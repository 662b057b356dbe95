"""Actions over HTTP: the way of a report with its timeline, who is refused what and how, photos, merging, joining."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.report_rows import add_report
from tests.reporting import (
    NEIGHBOUR,
    OTHER_TOWNSHIP,
    OTHER_VILLAGE,
    TOWNSHIP,
    VILLAGE,
    Town,
    accepted,
    file,
    file_routed,
    photo,
    read,
    refused,
    resolved,
    take,
    try_to,
)
from tests.statements import count_statements
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.platform.audit import AuditRow
from wxapi.reports.models import Report
from wxapi.reports.rules import workflow
from wxapi.reports.rules.words import ACTIONS
from wxapi.reports.wire.schemas import ReportSchema


def test_from_the_phone_to_closed(town: Town, session: Session) -> None:
    report = file_routed(town.reporter)
    assert (report["state"], report["desk"]) == ("routed", {"code": VILLAGE, "name": "001村"})
    assert report["respond_due_at"] == "2026-11-23T04:00:00.000Z"  # 2 working hours from 10:00
    report = take(town.worker, report, "accept")
    report = take(town.worker, report, "resolve", note="已清运", photo_ids=[photo(town.worker)])
    report = take(town.reporter, report, "dispute", note="还有一半", photo_ids=[photo(town.reporter)])
    report = take(town.worker, report, "resolve", note="清完了", photo_ids=[photo(town.worker), photo(town.worker)])
    report = take(town.reporter, report, "confirm", rating=5)
    assert ReportSchema().validate(report) == {}
    me = report["reporter"]["label"]
    worker = "001村 社区（村）工作人员"
    assert [
        (
            line["action"],
            line["from_state"],
            line["to_state"],
            line["by"]["role"],
            line["by"]["label"],
            len(line["photos"]),
        )
        for line in report["timeline"]
    ] == [
        ("file", None, "submitted", "reporter", me, 0),
        ("route", "submitted", "routed", "system", "系统", 0),
        ("accept", "routed", "accepted", "community_worker", worker, 0),
        ("resolve", "accepted", "resolved", "community_worker", worker, 1),
        ("dispute", "resolved", "accepted", "reporter", me, 1),
        ("resolve", "accepted", "resolved", "community_worker", worker, 2),
        ("confirm", "resolved", "closed", "reporter", me, 0),
    ]
    assert report["version"] == 7
    assert len(report["after_photos"]) == 2
    assert report["available_actions"] == ["reopen", "note"]
    audited = session.scalars(select(AuditRow.action).where(AuditRow.subject == f"report:{report['id']}")).all()
    assert len(audited) == 7


@pytest.mark.parametrize(
    ("person", "action", "fields", "answer"),
    [
        ("reporter", "accept", {}, (403, "role_not_allowed", None)),
        ("stranger", "accept", {}, (404, "not_found", None)),
        ("neighbour", "accept", {}, (404, "not_found", None)),
        ("officer", "accept", {}, (403, "role_not_allowed", None)),
        ("chief", "accept", {}, (403, "role_not_allowed", None)),
        ("supervisor", "accept", {}, (403, "role_not_allowed", None)),
        ("worker", "confirm", {}, (403, "role_not_allowed", None)),
        ("worker", "assign_desk", {"desk_code": NEIGHBOUR}, (403, "role_not_allowed", None)),
        ("worker", "withdraw", {}, (403, "role_not_allowed", None)),
        ("worker", "route", {}, (403, "role_not_allowed", None)),
        ("supervisor", "auto_close", {}, (403, "role_not_allowed", None)),
        ("worker", "resume", {}, (409, "action_not_available", None)),
        ("worker", "fly", {}, (422, "validation_failed", None)),
        ("worker", "refuse", {"note": "x"}, (422, "validation_failed", None)),
        ("worker", "accept", {"rating": 5}, (422, "validation_failed", None)),
        ("worker", "accept", {"version": 7}, (409, "version_conflict", None)),
        ("reporter", "accept", {"version": 7}, (403, "role_not_allowed", None)),
        ("worker", "hand_on", {"note": "x", "desk_code": OTHER_VILLAGE}, (422, "desk_not_allowed", None)),
        ("worker", "hand_on", {"note": "x", "desk_code": VILLAGE}, (422, "desk_not_allowed", None)),
        ("worker", "hand_on", {"note": "x", "desk_code": "421002001999"}, (422, "unknown_region", None)),
        ("worker", "hand_on", {"note": "x", "desk_code": VILLAGE + "001"}, (422, "desk_not_allowed", None)),
        ("officer", "hand_on", {"note": "x", "desk_code": OTHER_TOWNSHIP}, (422, "desk_not_allowed", None)),
    ],
)
def test_what_is_refused_on_a_routed_report(
    town: Town, person: str, action: str, fields: dict[str, object], answer: tuple[int, str, str | None]
) -> None:
    report = file_routed(town.reporter)
    assert refused(try_to(getattr(town, person), report, action, **fields)) == answer
    assert read(town.reporter, report["id"]) == report


def test_a_conflict_tells_what_is_true_now(town: Town) -> None:
    seen = file_routed(town.reporter)
    now = take(town.worker, seen, "accept")
    problem = try_to(town.colleague, seen, "accept").get_json()
    assert (problem["status"], problem["code"]) == (409, "version_conflict")
    assert (problem["version"], problem["state"]) == (now["version"], "accepted")
    assert refused(try_to(town.colleague, now, "accept"))[:2] == (409, "action_not_available")


def test_what_is_offered_can_be_done_and_nothing_else_is_offered(town: Town) -> None:
    report = file_routed(town.reporter)
    offers = {
        "reporter": ["withdraw", "note"],
        "worker": ["accept", "return", "hand_on", "refuse", "ask", "merge", "note"],
        "officer": ["hand_on", "refuse", "ask", "merge", "note"],
        "chief": ["note"],
        "supervisor": ["note"],
    }
    for person, offered in offers.items():
        assert read(getattr(town, person), report["id"])["available_actions"] == offered, person


def test_resolving_needs_a_ready_photo(town: Town) -> None:
    report = accepted(town)
    assert refused(try_to(town.worker, report, "resolve", note="好了"))[:2] == (422, "validation_failed")
    pending = photo(town.worker, "pending")
    answer = refused(try_to(town.worker, report, "resolve", note="好了", photo_ids=[pending]))
    assert answer[:2] == (409, "photo_not_ready")
    # Refused whole: the pending photo is still free.
    take(town.worker, report, "resolve", note="好了", photo_ids=[pending, photo(town.worker)])


def test_a_photo_of_a_report_is_seen_by_whoever_sees_the_report(town: Town) -> None:
    picture = photo(town.reporter)
    file_routed(town.reporter, photo_ids=[picture])
    assert town.worker.get(f"/photos/{picture}").status_code == 200
    assert town.neighbour.get(f"/photos/{picture}").status_code == 404


def test_handing_on_and_returning_move_the_desk(town: Town) -> None:
    report = take(town.worker, file_routed(town.reporter), "hand_on", note="归邻村", desk_code=NEIGHBOUR)
    assert (report["state"], report["desk"]["code"]) == ("routed", NEIGHBOUR)
    assert report["available_actions"] == ["note"]  # it lies in their village, but is not on their desk
    report = take(town.neighbour, read(town.neighbour, report["id"]), "accept")
    report = take(town.neighbour, report, "return", reason_code="not_ours", note="不是我们的")
    assert (report["state"], report["desk"]["code"]) == ("triage", TOWNSHIP)
    report = take(town.officer, report, "assign_desk", desk_code=TOWNSHIP)
    assert take(town.officer, report, "accept")["desk"]["code"] == TOWNSHIP


def test_holds_are_bounded_reviewed_and_end_by_themselves(town: Town, clock: FixedClock) -> None:
    report = accepted(town)
    hold = {"reason_code": "weather", "note": "等天晴"}
    for day in ("2026-11-23", "2026-12-24"):
        answer = try_to(town.worker, report, "request_hold", review_on=day, **hold)
        assert refused(answer)[:2] == (422, "validation_failed")
        assert list(answer.get_json()["errors"]) == ["review_on"]
    report = take(town.worker, report, "request_hold", review_on="2026-12-23", **hold)
    report = take(town.officer, report, "approve_hold")
    assert report["state"] == "on_hold"
    clock.at += timedelta(days=1)
    assert take(town.worker, report, "resume")["state"] == "accepted"


def test_a_village_worker_does_not_decide_his_own_hold(town: Town) -> None:
    hold = {"reason_code": "weather", "note": "等天晴", "review_on": "2026-12-01"}
    report = take(town.worker, accepted(town), "request_hold", **hold)
    assert refused(try_to(town.worker, report, "approve_hold"))[:2] == (403, "role_not_allowed")


def test_the_township_confirms_for_a_reporter_who_works_at_the_desk(town: Town) -> None:
    report = take(town.worker, file_routed(town.colleague), "accept")
    report = resolved(town, report)
    answer = refused(try_to(town.colleague, report, "confirm"))
    assert answer == (409, "action_not_available", "township_confirms")
    seen = read(town.officer, report["id"])
    assert "confirm" in seen["available_actions"]
    assert take(town.officer, seen, "confirm")["state"] == "closed"


def test_his_own_report_is_not_confirmed_by_who_resolved_it(town: Town) -> None:
    report = resolved(town, take(town.worker, file_routed(town.worker), "accept"))
    answer = refused(try_to(town.worker, report, "confirm"))
    assert answer == (409, "action_not_available", "not_oneself")


def test_a_question_is_answered_with_a_photo(town: Town) -> None:
    report = take(town.worker, file_routed(town.reporter), "ask", note="哪个路口?")
    seen = read(town.reporter, report["id"])
    assert seen["available_actions"] == ["answer", "withdraw", "note"]
    report = take(town.reporter, seen, "answer", note="东边", photo_ids=[photo(town.reporter)])
    assert [len(line["photos"]) for line in report["timeline"]][-1] == 1


def test_escalation_is_the_chiefs(town: Town) -> None:
    report = accepted(town)
    assert take(town.chief, report, "escalate", note="吹哨")["timeline"][-1]["by"]["role"] == "street_chief"


# Merging and joining


def test_merging_brings_the_people_together_and_unmerging_parts_them(town: Town) -> None:
    first, second = file_routed(town.reporter), file_routed(town.stranger)
    joiner = town.people.make()
    joiner.post(f"/reports/{second['id']}/me-too", {})
    second = read(town.worker, second["id"])
    merged = take(town.worker, second, "merge", into=first["id"])
    assert (merged["state"], merged["merged_into"], merged["respond_due_at"]) == (
        "merged",
        first["id"],
        first["respond_due_at"],
    )
    survivor = read(town.stranger, first["id"])  # its reporter sees the survivor now
    assert survivor["me_too_count"] == 2
    assert survivor["timeline"][-1]["note"] == f"{second['number']} 并入本件"
    assert read(joiner, first["id"])["id"] == first["id"]
    back = take(town.officer, merged, "unmerge")
    assert (back["state"], back["merged_into"]) == ("routed", None)
    assert read(town.reporter, first["id"])["me_too_count"] == 0
    assert town.stranger.get(f"/reports/{first['id']}").status_code == 404
    assert back["me_too_count"] == 1


def test_who_has_another_reason_to_be_there_stays_when_a_merged_report_is_parted(town: Town) -> None:
    """By another report that is merged there still, at the top of a chain too, or by joining the survivor itself."""
    one, other, survivor = file_routed(town.stranger), file_routed(town.chief), file_routed(town.reporter)
    both, itself = town.people.make(), town.people.make()
    for person, joined in ((both, one), (both, other), (itself, one)):
        assert person.post(f"/reports/{joined['id']}/me-too", {}).status_code == 200
    merged = [take(town.worker, read(town.worker, each["id"]), "merge", into=survivor["id"]) for each in (one, other)]
    assert itself.post(f"/reports/{survivor['id']}/me-too", {}).json["me_too_count"] == 4
    top = file_routed(town.reporter)
    take(town.worker, read(town.worker, survivor["id"]), "merge", into=top["id"])
    take(town.worker, merged[0], "unmerge")
    for where in (survivor, top):
        assert read(town.worker, where["id"])["me_too_count"] == 3
        seen = {person: person.get(f"/reports/{where['id']}").status_code for person in (both, itself, town.stranger)}
        assert list(seen.values()) == [200, 200, 404]


def test_what_a_report_cannot_be_merged_into(town: Town) -> None:
    report = file_routed(town.reporter)
    elsewhere = file_routed(town.reporter, NEIGHBOUR)
    done = resolved(town)
    for into in (report["id"], elsewhere["id"], done["id"], str(uuid.uuid4())):
        answer = refused(try_to(town.officer, report, "merge", into=into))
        assert answer[:2] == (422, "merge_target_invalid"), into


@pytest.mark.parametrize("hidden", [(True, False), (False, True), (True, True), (False, False)], ids=str)
def test_what_is_hidden_from_a_village_is_merged_neither_way(
    town: Town, session: Session, hidden: tuple[bool, bool]
) -> None:
    """The last pair shows that nothing else stood in the way."""
    changes: dict[str, Any] = {"category_code": "X0201", "excluded_village_code": VILLAGE}
    one, other = (add_report(session, desk=TOWNSHIP, **(changes if is_so else {})) for is_so in hidden)
    session.commit()
    answer = try_to(town.officer, read(town.officer, str(one.id)), "merge", into=str(other.id))
    if any(hidden):
        assert refused(answer)[:2] == (422, "merge_target_invalid")
    else:
        assert answer.status_code == 200


def test_joining_twice_counts_once_and_changes_no_version(town: Town) -> None:
    report = file_routed(town.reporter, photo_ids=[photo(town.reporter)])
    for _ in range(2):
        joined = town.stranger.post(f"/reports/{report['id']}/me-too", {"photo_ids": []})
        assert joined.status_code == 200
    joined = town.stranger.post(f"/reports/{report['id']}/me-too", {"photo_ids": [photo(town.stranger)]}).get_json()
    assert (joined["me_too_count"], joined["version"]) == (1, report["version"])
    assert len(joined["photos"]) == 1  # their own; the reporter's has not passed moderation
    assert len(read(town.worker, report["id"])["photos"]) == 2
    assert joined["reporter"]["is_me"] is False
    assert joined["available_actions"] == ["note"]
    too_many = [photo(town.stranger) for _ in range(8)]
    answer = town.stranger.post(f"/reports/{report['id']}/me-too", {"photo_ids": too_many})
    assert refused(answer)[:2] == (422, "too_many_photos")


def test_who_cannot_join(town: Town) -> None:
    report = file_routed(town.reporter)
    assert refused(town.reporter.post(f"/reports/{report['id']}/me-too", {}))[:2] == (409, "own_report")
    take(town.reporter, report, "withdraw")
    # Nobody but its own people sees what is no longer open.
    assert town.stranger.post(f"/reports/{report['id']}/me-too", {}).status_code == 404
    assert refused(town.worker.post(f"/reports/{report['id']}/me-too", {}))[:2] == (409, "report_not_open")


# Exclusion


def test_a_villages_own_affairs_never_reach_it(town: Town) -> None:
    secret = file_routed(town.reporter, category_code="X0201")
    assert (secret["state"], secret["desk"]["code"]) == ("routed", TOWNSHIP)
    plain = file_routed(town.reporter)
    double = town.people.make((Role.COMMUNITY_WORKER, VILLAGE), (Role.TOWNSHIP_OFFICER, TOWNSHIP))
    for person in (town.worker, double):
        assert person.get(f"/reports/{secret['id']}").status_code == 404
        assert refused(try_to(person, secret, "note", note="?"))[0] == 404
        assert person.post(f"/reports/{secret['id']}/me-too", {}).status_code == 404
        assert refused(try_to(person, plain, "merge", into=secret["id"]))[:2] == (422, "merge_target_invalid")
    for desk in (VILLAGE, VILLAGE + "001", NEIGHBOUR):
        answer = try_to(town.officer, secret, "hand_on", desk_code=desk, note="转办")
        assert refused(answer)[:2] == (422, "desk_not_allowed"), desk
    returned = take(town.officer, secret, "return", reason_code="check", note="再看")
    answer = try_to(town.officer, returned, "assign_desk", desk_code=VILLAGE)
    assert refused(answer)[:2] == (422, "desk_not_allowed")


def test_who_filed_against_his_own_village_keeps_his_receipt_only(town: Town) -> None:
    secret = file_routed(town.worker, category_code="X0201")
    assert secret["reporter"]["is_me"] is True
    assert secret["available_actions"] == ["withdraw", "note"]
    assert town.colleague.get(f"/reports/{secret['id']}").status_code == 404


def test_nothing_of_the_reporter_is_on_the_wire(town: Town) -> None:
    report = file_routed(town.reporter)
    assert str(town.reporter.actor.user_id) not in str(read(town.worker, report["id"]))
    assert read(town.worker, report["id"])["reporter"]["is_me"] is False


# Cost


def test_one_action_costs_few_statements(town: Town) -> None:
    report = file_routed(town.reporter)
    with count_statements() as statements:
        take(town.worker, report, "accept")
    assert len(statements) <= 9, "\n".join(statements)


def test_reading_costs_the_same_with_a_long_history(town: Town) -> None:
    report = file(town.reporter)
    with count_statements() as few:
        read(town.reporter, report["id"])
    for number in range(20):
        report = take(town.reporter, report, "note", note=f"补充 {number}", photo_ids=[photo(town.reporter)])
    with count_statements() as many:
        read(town.reporter, report["id"])
    assert len(many) == len(few) <= 7


def test_the_api_text_holds_the_table(town: Town) -> None:
    document = town.reporter.get("/openapi.json").get_json()
    text, names = str(document), {word.code: word.zh for word in ACTIONS.items}
    assert all(f"| `{action}` {names[action]} |" in text for action in workflow.PUBLIC_ACTIONS)


def test_a_kept_answer_is_given_again_while_its_report_may_be_seen(town: Town, session: Session) -> None:
    report = file_routed(town.reporter)
    body = {"action": "accept", "version": report["version"]}
    first = town.worker.post(f"/reports/{report['id']}/actions", body, key="k-sight")
    again = town.worker.post(f"/reports/{report['id']}/actions", body, key="k-sight")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.get_json() == first.get_json()
    # The report moves out of the worker's sight: what was done is not done again, and not shown either.
    moved = update(Report).where(Report.id == uuid.UUID(report["id"]))
    session.execute(moved.values(village_code=OTHER_VILLAGE, desk_code=OTHER_VILLAGE, desk_village_code=OTHER_VILLAGE))
    hidden = town.worker.post(f"/reports/{report['id']}/actions", body, key="k-sight")
    assert (hidden.status_code, hidden.get_json()["code"]) == (409, "answer_not_kept")
    assert "description" not in hidden.get_json()


def test_the_original_words_are_read_anew_at_every_call(town: Town, session: Session) -> None:
    report = file_routed(town.reporter, description="漏水，请打 13812345678")
    for opened in (1, 2):
        answer = town.worker.post(f"/reports/{report['id']}/original", key="k-words")
        assert (answer.status_code, answer.headers.get("Idempotency-Replayed")) == (200, None)
        assert "13812345678" in answer.get_json()["description"]
        found = session.scalars(select(AuditRow).where(AuditRow.action == "report.original_open")).all()
        assert len(found) == opened
