"""Every code that a page or a client may show has a word: the groups of the vocabulary against what the code can say."""

import re
from pathlib import Path

import pytest
from flask import Flask

from tests.contract.test_openapi import DOCUMENT
from wxapi.app import DUTY_SUBJECTS, MESSAGE_KINDS, PASSING_SCENES, SCENE_KINDS
from wxapi.duties.rules.clock import Card, DutyClock
from wxapi.identity.rules import ImportState, PersonKind
from wxapi.kernel.city import city
from wxapi.kernel.permissions import Role
from wxapi.moderation.rules.checks import CheckKind, ShownState
from wxapi.photos.rules.photos import PhotoState
from wxapi.platform import vocabulary
from wxapi.regions.rules.levels import Level
from wxapi.reports.rules.owed import STAGE_NAMES as REPORT_STAGES
from wxapi.reports.rules.state import ReportState
from wxapi.reports.rules.workflow import ACTIONS, rows_of
from wxapi.supervision.rules.export_states import ExportFailure, ExportState
from wxapi.supervision.rules.measures import DEFINITIONS
from wxapi.supervision.services.export_kinds import KINDS
from wxapi.training.rules.attendance import Action, FlagReason, State
from wxapi.training.rules.owed import STAGE_NAMES as TRAINING_STAGES
from wxapi.training.rules.phases import Phase
from wxapi.training.rules.sessions import SessionState, TrainingKind
from wxapi.training.rules.windows import Via
from wxapi.training.services.work import KIND
from wxapi.units.rules import MatterKind, UnitField, UnitKind

ROOT = Path(__file__).resolve().parents[2]
WEB = sorted(path for path in (ROOT / "wxapi/web").rglob("*") if path.suffix in {".html", ".py"})
# Where the codes of a group come from. A new group names its source here.
SOURCES: dict[str, set[str]] = {
    "roles": set(Role),
    "person_kinds": set(PersonKind),
    "states": set(ReportState),
    "actions": {"file", *ACTIONS},
    "cards": set(Card),
    "stages": set(REPORT_STAGES) | set(TRAINING_STAGES),
    "session_kinds": set(TrainingKind),
    "session_states": set(SessionState),
    "session_phases": set(Phase),
    "attendance_states": set(State),
    "flag_reasons": set(FlagReason),
    "sign_in_ways": set(Via),
    "leave_states": {"pending", "approved", "denied"},
    "unit_kinds": set(UnitKind),
    "unit_fields": set(UnitField),
    "matter_kinds": set(MatterKind),
    "measures": {measure.name for measure in DEFINITIONS},
    "people_import_states": set(ImportState),
    "export_states": set(ExportState),
    "export_failures": set(ExportFailure),
    "message_kinds": {kind.code for kind in MESSAGE_KINDS},
    "authors": {"reporter", "joiner"},
    "session_actions": set(KIND.actions),
    "enrolment_states": {"enrolled", "waiting", "withdrawn"},
    "attendance_actions": set(Action),
    "flag_decisions": {"dismiss", "uphold"},
    "duty_subjects": {kind.type for kind in DUTY_SUBJECTS},
    "duty_clocks": set(DutyClock),
    "appeal_decisions": {"uphold", "lift"},
    "check_states": set(ShownState),
    "check_kinds": set(CheckKind),
    "photo_states": set(PhotoState),
    "region_levels": set(Level),
    "scene_kinds": {kind.code for kind in SCENE_KINDS} | {each.kind.code for each in PASSING_SCENES},
    "device_kinds": {"phone", "browser"},
    "export_kinds": set(KINDS),
}
# Codes of answers that nobody reads, and why.
UNREAD: dict[str, str] = {
    "ActedBy.role": "its label stands beside it",
    "Rejection.code": "its sentence stands beside it",
    "Subject.type": "names the page that a message opens",
    "ResourceWire.kind": "a heading of the client's own: there is one",
    "WebLoginAnswer.state": "told by the page",
    "DutyWire.do": "by the subject's type `actions` or `session_actions`, below",
    "DutyDetailWire.do": "the same",
    "MyItemWire.do": "the same",
    "TableWire.group_by": "what was asked for",
    "ExportWire.format": "the end of the file's name",
    "FeatureCollectionWire.coord_type": "what was asked for",
    "PointsWire.coord_type": "what was asked for",
    "HallPosition.coord_type": "for the map",
}
# What only clients send: their buttons bear words of their own.
_SENT = ("Body", "Filter", "Question", "Upload")


def code_lists() -> dict[str, set[str]]:
    """Every list of codes of an answer: schema and property → codes."""
    found = {}
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for prop, each in schema.get("properties", {}).items():
            parts = [each, each.get("items", {}), *each.get("anyOf", ()), *each.get("oneOf", ())]
            codes = {code for part in parts for code in part.get("enum", ()) if isinstance(code, str)}
            if codes and not name.endswith(_SENT):
                found[f"{name}.{prop}"] = codes
    return found


def test_every_list_of_codes_that_people_see_has_words(app: Flask) -> None:
    with app.app_context():
        groups = {name: {word.code for word in words} for name, words in vocabulary.groups().items()}
    lists = code_lists()
    unnamed = {name for name, codes in lists.items() if not any(codes <= group for group in groups.values())}
    assert unnamed == set(UNREAD)
    for kind in DUTY_SUBJECTS:
        of = "actions" if kind.type == "report" else "session_actions"
        assert set(kind.actions) <= groups[of]


def test_every_group_names_where_its_codes_come_from(app: Flask) -> None:
    with app.app_context():
        assert set(vocabulary.groups()) == {*SOURCES, "reasons", "audit_actions"}


@pytest.mark.parametrize("group", sorted(SOURCES))
def test_every_code_has_a_word_and_no_word_is_left_over(app: Flask, group: str) -> None:
    with app.app_context():
        words = vocabulary.groups()[group]
    assert {word.code for word in words} == SOURCES[group]
    assert [word.code for word in words if not re.search(r"[\u4e00-\u9fff]", word.zh)] == []


def test_reasons_are_the_citys(app: Flask) -> None:
    with app.app_context():
        reasons = vocabulary.groups()["reasons"]
    assert {word.code for word in reasons} == set(city().reasons)
    # Every action that takes a reason is offered some that are meant for it.
    taking = {each for each in ACTIONS if any("reason_code" in row.needs + row.takes for row in rows_of(each))}
    assert {action for word in reasons for action in word.actions} == taking


def test_pages_ask_for_groups_that_there_are(app: Flask) -> None:
    """`word("…")` of a group nobody made would show the bare code, and never fail."""
    asked = {
        (path.name, group)
        for path in WEB
        for group in re.findall(r"(?:\bword|badge|words\.names?|words\.word)\(['\"](\w+)['\"]", path.read_text("utf-8"))
    }
    assert len({group for _, group in asked}) > 10
    with app.app_context():
        known = set(vocabulary.groups())
    assert {each for each in asked if each[1] not in known} == set()
