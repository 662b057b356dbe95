"""What every page keeps, whoever opens it: bytes, headers, one heading, no inline code, Chinese with Chinese punctuation.

`visits.py` names the pages; one that is missing there fails here. The same pages stand before a browser in
`tests/browser/test_everywhere.py`.
"""

import re
import uuid
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup, NavigableString, Tag
from flask import Flask
from werkzeug.datastructures import Headers

from tests.web.browsing import Browser, fields_of, form_to, parsed
from tests.web.test_frame import CSP, unpacked, weight_of
from tests.web.visits import ALL, NO_PAGES, VISITS, Scene, Visit, name_of
from wxapi.app import UPLOADS
from wxapi.platform.guard import permission_of
from wxapi.web.kit.blueprint import Pages

_SCRIPTS = 20 * 1024
_SOME_ID = uuid.UUID(int=7)
_HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:?!()]|[,;:?!(][\u4e00-\u9fff]")
# Days as programs write them, and seconds: people say 11月3日 09:00.
_MACHINE_TIME = re.compile(r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}:\d{2}:\d{2}\b")
# Text that is code, or what somebody typed.
_NOT_PROSE = {"code", "pre", "script", "style", "textarea"}


class Seen(NamedTuple):
    """A page as its reader got it: the bytes of `weight`, and what the product says itself in its text."""

    visit: Visit
    weighs: tuple[int, int]
    headers: Headers
    page: BeautifulSoup
    prose: list[str]


@pytest.fixture(scope="module")
def kept() -> list[Seen]:
    """What the first test that asks for `pages` saw, for the others: to open and read them all takes a second."""
    return []


@pytest.fixture
def pages(app: Flask, scene: Scene, kept: list[Seen]) -> list[Seen]:
    """Every page, by whom it is for."""
    if not kept:
        browsers = {who: Browser(app).sign_in(person) for who, person in scene.persons.items()}
        kept += [_open(browsers.get(visit.who) or Browser(app), visit, scene.path(visit)) for visit in ALL]
    return kept


def _open(browser: Browser, visit: Visit, path: str) -> Seen:
    answer = browser.get(path, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == visit.status, (visit, answer.status_code)
    text = unpacked(answer)
    page = parsed(text)
    return Seen(visit, weight_of(answer, browser), answer.headers, page, [each.strip() for each in prose(page)])


def test_every_page_of_the_url_map_is_visited(app: Flask) -> None:
    """By construction: a page that nobody gave a reader and a budget is named here."""
    rooms = {name for name, blueprint in app.blueprints.items() if isinstance(blueprint, Pages)}
    found = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in rooms and "GET" in (rule.methods or ())
    }
    assert found - NO_PAGES.keys() == VISITS.keys()
    assert NO_PAGES.keys() <= found


def test_no_page_is_heavier_than_its_budget(pages: list[Seen]) -> None:
    heavy = {}
    for visit, (everything, scripts), *_ in pages:
        if everything > visit.kib * 1024 or scripts > _SCRIPTS:
            heavy[name_of(visit)] = (everything, scripts)
    assert heavy == {}


def test_every_page_keeps_the_house_rules(app: Flask, pages: list[Seen]) -> None:
    routes, with_files = app.url_map.bind("localhost"), set()
    for visit, _, headers, page, _ in pages:
        name = name_of(visit)
        assert headers["Content-Security-Policy"] == CSP, name
        assert headers["Cache-Control"] == "private, no-cache", name
        assert page.html is not None, name
        assert page.html["lang"] == "zh-CN", name
        assert len(page.find_all("h1")) == 1, name
        assert page.title is not None, name
        assert page.title.get_text().endswith(" · 网格啄木鸟"), name
        tags = page.find_all(True)
        inline = [tag for tag in tags if tag.name == "style" or (tag.name == "script" and "src" not in tag.attrs)]
        assert inline == [], name
        assert [tag for tag in tags for key in tag.attrs if key == "style" or key.startswith("on")] == [], name
        ids = [str(tag["id"]) for tag in tags if "id" in tag.attrs]
        assert len(ids) == len(set(ids)), name
        sent_to = [urlsplit(str(form["action"])).path for form in page.select("form:has(input[type=file])")]
        with_files |= {routes.match(path, method="POST")[0] for path in sent_to}
        told = " ".join(str(tag["aria-describedby"]) for tag in tags if "aria-describedby" in tag.attrs).split()
        assert set(told) <= set(ids), name
        assert {each for each in ids if each.endswith(("-hint", "-error"))} <= set(told), name
        # What a refresh brings is exchanged part by part, or row by row: what is neither stays for ever as it was.
        for part in page.select("[data-refresh] > *"):
            holds = part.has_attr("data-part") or part.select("[data-part], [data-keyed]")
            assert holds or "empty" in part.get("class", []), (name, str(part)[:80])
        levels = [int(tag.name[1]) for tag in tags if tag.name in {"h1", "h2", "h3", "h4"}]
        assert all(below <= above + 1 for above, below in pairwise(levels)), (name, levels)
    # Without scripts the files come with the form: it may be larger than one of words.
    assert with_files == UPLOADS.keys() - {"identity.import_people", "photos.upload", "kit.upload_photo"}


def said_against(rule: re.Pattern[str], pages: list[Seen]) -> dict[str, list[str]]:
    """By page what its prose says that it should not."""
    found = {name_of(each.visit): [text for text in each.prose if rule.search(text)] for each in pages}
    return {name: texts for name, texts in found.items() if texts}


def test_chinese_has_chinese_punctuation(pages: list[Seen]) -> None:
    assert said_against(_HALF_WIDTH, pages) == {}


def test_times_are_told_as_people_say_them(pages: list[Seen]) -> None:
    assert said_against(_MACHINE_TIME, pages) == {}


def test_no_form_is_taken_from_elsewhere(app: Flask, scene: Scene) -> None:
    """Every address that takes a form: a wrong or missing seal, no `once`, a foreign origin, before anything is read."""
    own = {"Accept": "text/html", "Origin": "http://localhost"}
    foreign = own | {"Origin": "https://evil.example"}
    browsers, seals = {}, {}
    for who, person in scene.persons.items():
        browsers[who] = Browser(app).sign_in(person)
        seals[who] = fields_of(form_to(browsers[who].page("/account"), "/account"))
    taken = 0
    for rule in app.url_map.iter_rules():
        room = app.blueprints.get(rule.endpoint.partition(".")[0])
        if not isinstance(room, Pages) or "POST" not in (rule.methods or ()):
            continue
        permission = permission_of(app.view_functions[rule.endpoint])
        assert permission is not None
        who = next(who for who, each in scene.persons.items() if each.actor.may(permission))
        browser, seal = browsers[who], seals[who]
        with app.test_request_context():
            path = app.url_map.bind("localhost").build(rule.endpoint, dict.fromkeys(rule.arguments, _SOME_ID))
        for data, headers in (
            ({"once": seal["once"]}, own),
            ({"csrf": "x" * 86, "once": seal["once"]}, own),
            ({"csrf": seal["csrf"]}, own),
            ({"csrf": seal["csrf"], "once": seal["once"]}, foreign),
            ({"csrf": seal["csrf"], "once": seal["once"]}, own | {"Sec-Fetch-Site": "cross-site"}),
        ):
            assert browser.send(path, data, headers).status_code == 403, (rule.rule, data, headers)
        taken += 1
    assert taken > 30


def prose(tag: Tag) -> Iterator[str]:
    """The text of a page that the product says itself."""
    for each in tag.children:
        if isinstance(each, NavigableString):
            yield str(each)
        elif isinstance(each, Tag) and each.name not in _NOT_PROSE:
            yield from prose(each)


def test_the_gates_see_what_is_wrong() -> None:
    assert _HALF_WIDTH.search("没有办件,请换一个条件")
    assert _HALF_WIDTH.search("办件(3)")
    assert not _HALF_WIDTH.search("办件（3），剩 2 小时")
