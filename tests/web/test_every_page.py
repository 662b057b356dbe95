"""What holds on each page of the URL map, also on those that name something: roles, the excluded village, bad names."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.answers import words_of
from tests.factories import People, Person
from tests.report_rows import add_report
from tests.reporting import COUNTY, TOWNSHIP, VILLAGE, Town, file_routed
from tests.web.asked import Noting, NotingRequest
from tests.web.browsing import Browser
from wxapi.kernel.permissions import Permission, Role
from wxapi.platform.guard import permission_of
from wxapi.reports.models import Report
from wxapi.web.kit.blueprint import Pages

_WORD, _LABEL, _COUNT = "白果坪低保名额的事", 8311, 7457
# The count where it stands for itself: seals, ids and addresses are random, and four of their digits may be these.
_SAYS_COUNT = re.compile(rf"(?<![\w/+.-]){_COUNT}(?![\w/+=-])", re.ASCII)
# Files, and in the walk for what is hidden one's own data: read elsewhere.
_FILES, _OWN_DATA = "/assets/<path:name>", "/account/data"


@dataclass(frozen=True)
class Walk:
    """A person's way over all pages, every name in an address filled by one that is given."""

    app: Flask
    names: dict[str, list[str]]

    def paths(self) -> Iterator[tuple[str, Permission]]:
        for rule in self.app.url_map.iter_rules():
            room = self.app.blueprints.get(rule.endpoint.partition(".")[0])
            if not isinstance(room, Pages) or "GET" not in (rule.methods or ()) or rule.rule == _FILES:
                continue
            permission = permission_of(self.app.view_functions[rule.endpoint])
            assert permission is not None
            for path in self._filled(rule.rule, sorted(rule.arguments)):
                yield path, permission

    def _filled(self, rule: str, arguments: list[str]) -> list[str]:
        paths = [rule]
        for name in arguments:
            start = next(part for part in rule.split("<") if part.split(">")[0].split(":")[-1] == name).split(">")[0]
            values = self.names.get(name, [str(uuid.UUID(int=7))])
            paths = [path.replace(f"<{start}>", value) for path in paths for value in values]
        return paths


def test_every_page_answers_every_role(app: Flask, town: Town, people: People) -> None:
    """With names that are there and names that are not: a page, a way on, or nothing; 404 for the wrong role. What
    names nothing is there.
    """
    report = file_routed(town.reporter)
    names = {"number": [report["number"], "JZ-00000000"], "region": [VILLAGE, TOWNSHIP, COUNTY, "x"]}
    everybody = [
        town.reporter,
        town.worker,
        town.officer,
        town.chief,
        town.supervisor,
        people.make((Role.TRAINING_ORGANISER, COUNTY)),
        people.make((Role.TRAINING_STEWARD, COUNTY)),
        people.make((Role.ADMIN, "4210")),
        people.make((Role.AUDITOR, "4210")),
    ]
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    for person in everybody:
        browser = Browser(app).sign_in(person)
        for path, permission in Walk(app, names).paths():
            status = browser.get(path).status_code
            there = {200, 303} if path in rules else {200, 303, 404, 410, 422}
            expected = there if person.actor.may(permission) else {404}
            assert status in expected, (person.actor.appointments, path, status)


def test_strangers_see_no_page_of_anybody(app: Flask, town: Town, browser: Browser) -> None:
    report = file_routed(town.reporter)
    for path, permission in Walk(app, {"number": [report["number"]], "region": [VILLAGE]}).paths():
        if permission is not Permission.PUBLIC:
            answer = browser.get(path)
            assert (answer.status_code, (answer.location or "").split("?")[0]) == (303, "/login"), path


def _village_affair(session: Session, **changes: Any) -> Report:
    return add_report(
        session,
        desk=TOWNSHIP,
        category_code="X0201",
        excluded_village_code=VILLAGE,
        description=_WORD,
        address=_WORD,
        reporter_label=_LABEL,
        me_too_count=_COUNT,
        **changes,
    )


def _all_pages(app: Flask, person: Person, names: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Every page by itself, and again by each of the queries whose name its view asks for: no other changes it."""
    browser = Browser(app).sign_in(person)
    queries = {"state": "triage", "q": "白果坪", "region": VILLAGE, "into": names["number"][0]}
    for path, _ in Walk(app, names).paths():
        if path == _OWN_DATA:
            continue
        Noting.forget()
        yield path, words_of(browser.get(path))
        asked = queries if Noting.went_through else queries.keys() & Noting.asked
        for name in sorted(asked):
            address = f"{path}?{name}={queries[name]}"
            # What was typed into the address comes back in the search field and in links; it is no news.
            yield address, words_of(browser.get(address)).replace("白果坪", "" if name == "q" else "白果坪")


def test_a_village_affair_is_on_no_page_of_the_village(
    app: Flask, session: Session, town: Town, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No number, id, word, label or count of it, on any page, whatever else the excluded person is appointed to."""
    monkeypatch.setattr(app, "request_class", NotingRequest)
    own = file_routed(town.reporter)
    hidden = [_village_affair(session, state=state) for state in ("triage", "accepted", "resolved")]
    names = {
        "number": [own["number"], *(each.number for each in hidden)],
        "region": [VILLAGE, TOWNSHIP],
        "report_id": [str(each.id) for each in hidden],
    }
    both = people.make((Role.TOWNSHIP_OFFICER, TOWNSHIP), (Role.COMMUNITY_WORKER, VILLAGE))
    unseen = {_SAYS_COUNT, *(re.compile(each) for each in (_WORD, *(report.number for report in hidden)))}
    for _, text in _all_pages(app, town.officer, names):
        unseen = {mark for mark in unseen if not mark.search(text)}
        if not unseen:
            break
    assert not unseen, "the walk passes no page that could show it"
    for person in (town.worker, both):
        for path, text in _all_pages(app, person, names):
            for mark in (_WORD, "低保名额", f"啄木鸟 {_LABEL}"):
                assert mark not in text, path
            assert not _SAYS_COUNT.search(text), path
            for each in hidden:
                if each.number not in path:  # else it is what one asked for
                    assert each.number not in text, path
                assert str(each.id) not in text or str(each.id) in path, path


def test_a_village_affair_moves_no_count_of_the_village(
    app: Flask, session: Session, town: Town, people: People
) -> None:
    """The desk's pages are the same to the byte, but for their seals, before and after it was filed."""
    file_routed(town.reporter)
    both = people.make((Role.TOWNSHIP_OFFICER, TOWNSHIP), (Role.COMMUNITY_WORKER, VILLAGE))
    fragments = ("/desk/rows", "/desk/map", "/desk/holds", f"/desk/map?region={VILLAGE}")
    browser = Browser(app).sign_in(both)

    def seen() -> list[str]:
        pages = [browser.page(path) for path in fragments]
        for page in pages:
            for seal in page.select("input[type=hidden]"):
                seal.decompose()
        return [str(page) for page in pages]

    before = seen()
    for state in ("triage", "accepted", "resolved"):
        _village_affair(session, state=state)
    assert seen() == before
