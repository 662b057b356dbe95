"""Wrong values behind an address's question mark: every page, each name it uses, in Chinese and with a way out.

Names come from the page itself, from its forms and its links to itself, from what its view asks the address for, and
from what every list may be asked for: a page that is new is in it, by `visits.VISITS`, which the URL map holds complete.
"""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask

from tests.reporting import VILLAGE
from tests.web.asked import Noting, NotingRequest
from tests.web.browsing import Browser, fields_of, soup_of
from tests.web.visits import VISITS, Scene
from wxapi.web.kit.labels import FILTERS

_WORD = re.compile(r"[A-Za-z_]{2,}")
ANY = ("cursor", "state", "region", "from", "limit")
WRONG = {"from": "2026-13-45", "to": "2026-13-45", "limit": "-1", "region": "99999999"}
# Where no value is wrong: words that are sought; what was just done, which names nothing where it names no step; where
# to go on, which is followed where it is a page of this place; what is typed into a form and judged when it is sent.
FREE = {"q", "subject", "done", "merged", "filed", "overlaps", "next", "code"}
# A map of regions has no pages; the reports of one village have.
NO_PAGES_OF = {("/desk/map", "cursor")}
# Told in words on the page itself, which stays.
TOLD = {"into": "内容不存在，或您无权查看。", "region_code": "没有这个区域，请在下面重新选择地点。"}

# As programs say it, not an office.
STIFF = ("字段", "的值", "只能是", "不是有效", "不是可以")


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


def askers_of(app: Flask, scene: Scene, rule: str) -> dict[str, tuple[Browser, str, bool]]:
    """Every name worth a wrong value: who asks, the path, and whether the page uses the name itself."""
    found: dict[str, tuple[Browser, str, bool]] = {}
    for visit in VISITS[rule]:
        address, person = scene.path(visit), scene.person(visit)
        path, _, query = address.partition("?")
        browser = Browser(app).sign_in(person) if person else Browser(app)
        Noting.forget()
        own = names_of(soup_of(browser.get(address)), path) | Noting.asked | {name for name, _ in parse_qsl(query)}
        for name in sorted(own | set(ANY)):
            if name not in found or (name in own and not found[name][2]):
                found[name] = browser, path, name in own
    return found


def test_a_wrong_address_is_told_in_chinese_with_a_way_out(
    app: Flask, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "request_class", NotingRequest)
    refused, wrongly = 0, []
    for rule in VISITS:
        for name, (browser, path, is_own) in askers_of(app, scene, rule).items():
            value = WRONG.get(name, "xyz")
            answer = browser.get(path, query_string={name: value})
            page = soup_of(answer)
            words = " ".join(said(page)).replace(value, "")
            if answer.status_code < 400:
                if is_own and name not in FREE and (rule, name) not in NO_PAGES_OF and TOLD.get(name, "?") not in words:
                    wrongly.append(f"{rule}?{name}={value}: not told that it is wrong")
                continue
            refused += 1
            if (
                answer.status_code >= 500
                or _WORD.search(words)
                or "提交" in words  # nobody has filled in anything
                or any(each in words for each in STIFF)
                or page.select_one(f'main a[href="{path}"]') is None
                or (is_own and name not in FILTERS)
            ):
                wrongly.append(f"{rule}?{name}={value}: {answer.status_code} {words}")
    assert wrongly == []
    assert refused > 50
    # A page of others is not there, whatever the address asks for.
    foreign = Browser(app).sign_in(scene.persons["admin"]).page("/statistics?from=xyz", status=404)
    assert foreign.select_one('main a[href="/statistics"]') is None


@pytest.mark.parametrize(
    ("who", "address"),
    [
        ("supervisor", f"/desk?region={VILLAGE}&category=E0101&state=closed"),
        ("supervisor", f"/desk/map?region={VILLAGE}&card=red"),
        ("supervisor", f"/statistics?region={VILLAGE}"),
        ("admin", f"/desk/people?region={VILLAGE}"),
        ("admin", f"/desk/people/offices?region={VILLAGE}"),
        ("auditor", "/audit?action=report.accept"),
    ],
)
def test_a_form_of_filters_says_what_is_chosen_and_keeps_it(app: Flask, scene: Scene, who: str, address: str) -> None:
    """Links lead further down than a form's choices go; sent again, the form lost what the page was narrowed to."""
    path, _, query = address.partition("?")
    page = Browser(app).sign_in(scene.persons[who]).page(address)
    kept = fields_of(next(form for form in page.select("form[method=get]") if form["action"] == path))
    assert {name: kept.get(name) for name, _ in parse_qsl(query)} == dict(parse_qsl(query))


def test_what_no_tab_shows_is_said(app: Flask, scene: Scene) -> None:
    browser = Browser(app).sign_in(scene.persons["supervisor"])
    assert "只显示：已结案、黄牌。" in browser.page("/desk?state=closed&card=yellow").get_text()
    assert "只显示" not in browser.page("/desk?state=accepted").get_text()
    assert "只统计：处理中。" in browser.page("/desk/map?state=accepted").get_text()
    assert "只统计" not in browser.page("/desk/map").get_text()


def test_classes_that_are_not_taken_are_no_filter(app: Flask, scene: Scene) -> None:
    page = Browser(app).sign_in(scene.persons["worker"]).page("/desk")
    codes = {str(each["value"]) for each in page.select("select[name=category] option")}
    assert {"E01", "X02"} <= codes
    assert "X09" not in codes
