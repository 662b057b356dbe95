"""Wrong values behind an address's question mark: every page, each name it uses, in Chinese and with a way out.

Names come from the page itself, from its forms and its links to itself, and from what every list may be asked for: a
page that is new is in it, by `visits.VISITS`, which the URL map holds complete.
"""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask

from tests.factories import People
from tests.web.browsing import Browser, soup_of
from tests.web.visits import VISITS, Scene, set_scene
from wxapi.platform.refusals import counter_of
from wxapi.web.kit.problems import FILTERS

_WORD = re.compile(r"[A-Za-z_]{2,}")
ANY = ("cursor", "state", "region", "from", "limit")
WRONG = {"from": "2026-13-45", "to": "2026-13-45", "limit": "-1", "region": "99999999"}


@pytest.fixture
def scene(app: Flask, people: People) -> Scene:
    return set_scene(people, counter_of(app))


def names_of(page: BeautifulSoup, path: str) -> set[str]:
    """What the page's own forms and links put behind its address."""
    found: set[str] = set()
    for form in page.select("form"):
        if str(form.get("method", "get")).lower() == "get" and form.get("action", path) == path:
            found |= {str(field["name"]) for field in form.select("[name]")}
    for link in page.select("a[href]"):
        parts = urlsplit(str(link["href"]))
        if parts.path in {"", path}:
            found |= {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    return found


def said(page: BeautifulSoup) -> Iterator[str]:
    for each in page.select("main h1, main p, main .error, main [role=alert]"):
        if isinstance(each, Tag) and "faint" not in (each.get("class") or ()):
            yield each.get_text(" ", strip=True)


def test_a_wrong_address_is_told_in_chinese_with_a_way_out(app: Flask, scene: Scene) -> None:
    refused, wrongly = 0, []
    for rule, visits in VISITS.items():
        visit = visits[0]
        path = scene.path(visit).partition("?")[0]
        person = scene.person(visit)
        browser = Browser(app).sign_in(person) if person else Browser(app)
        own = names_of(soup_of(browser.get(path)), path)
        for name in sorted(own | set(ANY)):
            value = WRONG.get(name, "xyz")
            answer = browser.get(path, query_string={name: value})
            if answer.status_code < 400:
                continue
            refused += 1
            page = soup_of(answer)
            words = " ".join(said(page)).replace(value, "")
            if (
                answer.status_code >= 500
                or _WORD.search(words)
                or page.select_one(f'main a[href="{path}"]') is None
                or (name in own and name not in FILTERS)
            ):
                wrongly.append(f"{rule}?{name}={value}: {answer.status_code} {words}")
    assert wrongly == []
    assert refused > 40
    # A page of others is not there, whatever the address asks for.
    foreign = Browser(app).sign_in(scene.persons["admin"]).page("/statistics?from=xyz", status=404)
    assert foreign.select_one('main a[href="/statistics"]') is None
