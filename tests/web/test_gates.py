"""What every page keeps, whoever opens it: bytes, headers, one heading, no inline code, Chinese with Chinese punctuation.

`visits.py` names the pages; one that is missing there fails here. The same pages stand before a browser in
`tests/browser/test_everywhere.py`.
"""

import re
import uuid
from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, NavigableString
from flask import Flask

from tests.web.browsing import Browser, fields_of, form_to, soup_of
from tests.web.test_frame import CSP, weight
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


def opened(app: Flask, scene: Scene) -> Iterator[tuple[Visit, Browser, BeautifulSoup]]:
    """Every page, by whom it is for."""
    browsers = {who: Browser(app).sign_in(person) for who, person in scene.persons.items()}
    for visit in ALL:
        browser = browsers.get(visit.who) or Browser(app)
        answer = browser.get(scene.path(visit))
        assert answer.status_code == visit.status, (visit, answer.status_code)
        yield visit, browser, soup_of(answer)


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


def test_no_page_is_heavier_than_its_budget(app: Flask, scene: Scene) -> None:
    heavy = {}
    for visit, browser, _ in opened(app, scene):
        everything, scripts = weight(browser, scene.path(visit))
        if everything > visit.kib * 1024 or scripts > _SCRIPTS:
            heavy[name_of(visit)] = (everything, scripts)
    assert heavy == {}


def test_every_page_keeps_the_house_rules(app: Flask, scene: Scene) -> None:
    routes, with_files = app.url_map.bind("localhost"), set()
    for visit, browser, page in opened(app, scene):
        name = name_of(visit)
        assert browser.last.headers["Content-Security-Policy"] == CSP, name
        assert browser.last.headers["Cache-Control"] == "private, no-cache", name
        assert page.html is not None, name
        assert page.html["lang"] == "zh-CN", name
        assert len(page.find_all("h1")) == 1, name
        assert page.title is not None, name
        assert page.title.get_text().endswith(" · 网格啄木鸟"), name
        assert page.select("[style], script:not([src]), style") == [], name
        assert [tag for tag in page.find_all(True) if any(key.startswith("on") for key in tag.attrs)] == [], name
        ids = [str(tag["id"]) for tag in page.select("[id]")]
        assert len(ids) == len(set(ids)), name
        sent_to = [urlsplit(str(form["action"])).path for form in page.select("form:has(input[type=file])")]
        with_files |= {routes.match(path, method="POST")[0] for path in sent_to}
        told = " ".join(str(tag["aria-describedby"]) for tag in page.select("[aria-describedby]")).split()
        assert set(told) <= set(ids), name
        assert {each for each in ids if each.endswith(("-hint", "-error"))} <= set(told), name
        # What a refresh brings is exchanged part by part, or row by row: what is neither stays for ever as it was.
        for part in page.select("[data-refresh] > *"):
            holds = part.has_attr("data-part") or part.select("[data-part], [data-keyed]")
            assert holds or "empty" in part.get("class", []), (name, str(part)[:80])
        levels = [int(tag.name[1]) for tag in page.select("h1, h2, h3, h4")]
        assert all(below <= above + 1 for above, below in pairwise(levels)), (name, levels)
    # Without scripts the files come with the form: it may be larger than one of words.
    assert with_files == UPLOADS.keys() - {"identity.import_people", "photos.upload", "kit.upload_photo"}


def test_chinese_has_chinese_punctuation(app: Flask, scene: Scene) -> None:
    wrong = {}
    for visit, _, page in opened(app, scene):
        said = [str(text) for text in prose(page)]
        bad = [text.strip() for text in said if _HALF_WIDTH.search(text)]
        if bad:
            wrong[name_of(visit)] = bad
    assert wrong == {}


def test_times_are_told_as_people_say_them(app: Flask, scene: Scene) -> None:
    wrong = {}
    for visit, _, page in opened(app, scene):
        bad = [text.strip() for text in map(str, prose(page)) if _MACHINE_TIME.search(text)]
        if bad:
            wrong[name_of(visit)] = bad
    assert wrong == {}


def test_no_form_is_taken_from_elsewhere(app: Flask, scene: Scene) -> None:
    """Every address that takes a form: a wrong or missing seal, no `once`, a foreign origin, before anything is read."""
    own = {"Accept": "text/html", "Origin": "http://localhost"}
    foreign = own | {"Origin": "https://evil.example"}
    taken = 0
    for rule in app.url_map.iter_rules():
        room = app.blueprints.get(rule.endpoint.partition(".")[0])
        if not isinstance(room, Pages) or "POST" not in (rule.methods or ()):
            continue
        permission = permission_of(app.view_functions[rule.endpoint])
        assert permission is not None
        person = next(each for each in scene.persons.values() if each.actor.may(permission))
        browser = Browser(app).sign_in(person)
        seal = fields_of(form_to(browser.page("/account"), "/account"))
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


def prose(page: BeautifulSoup) -> Iterator[NavigableString]:
    """The text of a page that the product says itself."""
    for text in page.find_all(string=True):
        if not any(parent.name in _NOT_PROSE for parent in text.parents):
            yield text


def test_the_gates_see_what_is_wrong() -> None:
    assert _HALF_WIDTH.search("没有办件,请换一个条件")
    assert _HALF_WIDTH.search("办件(3)")
    assert not _HALF_WIDTH.search("办件（3），剩 2 小时")
