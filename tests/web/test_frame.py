"""What holds for every page: headers, forms' seals, roles, bytes, the language of the scripts."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from werkzeug.test import TestResponse

from tests.factories import People
from tests.reporting import Town, file_routed
from tests.web.browsing import Browser, fields_of, form_to, soup_of
from wxapi.web.kit.blueprint import Pages

ROOT = Path(__file__).resolve().parents[2] / "wxapi/web"
SCRIPTS = sorted(ROOT.rglob("*.js"))
# What came to browsers after Chromium 72, as a script would write it; `if (!navigator.wakeLock` is asked first.
_LATER = re.compile(
    r"\.(?:replaceChildren|replaceAll|allSettled|at|requestSubmit|randomUUID|matchAll|fromEntries|inert|showModal|any"
    r"|toSorted|findLast|findLastIndex|hasOwn|checkVisibility|showPicker)\b\(|Blob\(.*\)\.(?:text|arrayBuffer)\("
    r"|AbortSignal\.timeout|structuredClone|\?\?=|#[a-z]\w*\s*[=(;]"
)
# What styles learned after it. What is told twice (`overflow-wrap`, the ring of a focus) has an older word before it.
_LATER_STYLES = re.compile(
    r"(?<!-)\bgap\s*:|:has\(|\binset(?:-[a-z-]+)?\s*:|(?<!-)aspect-ratio|:is\(|:where\(|\b(?:min|max|clamp)\(|\d[dsl]v[hw]\b"
    r"|(?:accent-color|color-scheme|backdrop-filter|content-visibility|text-underline-offset|text-decoration-thickness)\s*:"
    r"|(?:margin|padding)-(?:inline|block)\s*:|@(?:layer|container|property)\b|prefers-(?:color|reduced)|forced-colors"
    r"|(?<!overflow-wrap:break-word;)overflow-wrap:anywhere|(?<!:not\():focus-visible|&[ .:{]"
)
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def page_rules(app: Flask) -> Iterator[Any]:
    for rule in app.url_map.iter_rules():
        if isinstance(app.blueprints.get(rule.endpoint.partition(".")[0]), Pages) and not rule.arguments:
            yield rule


@pytest.mark.parametrize("path", ["/", "/login", "/desk", "/account", "/nothing", "/desk/r/JZ-00000000"])
def test_headers_of_every_page(town: Town, browser: Browser, path: str) -> None:
    if path not in {"/", "/login"}:
        browser.sign_in(town.worker)
    headers = browser.get(path).headers
    assert headers["Content-Security-Policy"] == CSP
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Permissions-Policy"] == "geolocation=(self), camera=(self)"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("takes", "packed"),
    [("gzip, deflate, br", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False), ("br", False), ("", False)],
)
def test_nothing_is_packed_for_who_does_not_unpack_it(browser: Browser, takes: str, packed: bool) -> None:
    page = browser.page("/login")
    style = page.select("link[rel=stylesheet]")[0]["href"]
    for path in ("/login", str(style)):
        answer = browser.get(path, headers={"Accept-Encoding": takes})
        assert (answer.headers.get("Content-Encoding") == "gzip") == packed
        assert "Accept-Encoding" in answer.headers["Vary"]


def test_a_used_once_never_comes_back(town: Town, browser: Browser) -> None:
    browser.sign_in(town.worker)
    first = browser.get("/account")
    again = browser.get("/account", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200
    assert again.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize(
    ("changes", "headers", "status"),
    [
        ({}, {}, 303),
        ({"csrf": None}, {}, 403),
        ({"csrf": "x" * 86}, {}, 403),
        ({"csrf": "中文"}, {}, 403),
        ({"once": None}, {}, 403),
        ({"once": "short"}, {}, 403),
        ({}, {"Origin": "https://evil.example"}, 403),
        ({}, {"Origin": "null"}, 403),
        ({}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ({}, {"Sec-Fetch-Site": "same-site"}, 403),
        ({}, {"Sec-Fetch-Site": "same-origin"}, 303),
    ],
)
def test_where_a_form_may_come_from(
    town: Town, browser: Browser, changes: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    form = form_to(browser.sign_in(town.worker).page("/account"), "/account")
    assert browser.submit(form, headers=headers, **{"nickname": "小李", **changes}).status_code == status


def test_the_seal_of_another_session_is_none(app: Flask, town: Town, browser: Browser) -> None:
    foreign = fields_of(form_to(Browser(app).sign_in(town.colleague).page("/account"), "/account"))
    form = form_to(browser.sign_in(town.worker).page("/account"), "/account")
    assert browser.submit(form, csrf=foreign["csrf"]).status_code == 403


def test_one_once_for_two_different_forms_is_refused(town: Town, browser: Browser) -> None:
    form = form_to(browser.sign_in(town.worker).page("/account"), "/account")
    assert browser.submit(form, nickname="小李").status_code == 303
    assert browser.submit(form, nickname="小王").status_code == 422


def test_a_session_that_ended_leads_to_the_login_and_back(town: Town, browser: Browser) -> None:
    report = file_routed(town.reporter)
    path = f"/desk/r/{report['number']}"
    form = form_to(browser.sign_in(town.worker).page(path), f"{path}?")
    browser.client.delete_cookie("wx")
    answer = browser.submit(form, headers={"Referer": f"http://localhost{path}"}, action="accept")
    assert (answer.status_code, answer.location) == (303, f"/login?next={path}")


LINES = "不在我村，\n<b>请</b>重新分派"


def sent_after_the_end(browser: Browser, path: str, **values: str) -> TestResponse:
    """The answer to a form of a page whose session ended while somebody wrote."""
    form = form_to(browser.page(path), f"{path}?")
    browser.client.delete_cookie("wx")
    return browser.submit(form, headers={"Referer": f"http://localhost{path}"}, **values)


def texts_of(page: BeautifulSoup) -> list[str]:
    return [each.get_text() for each in page.select("[data-kept] dl > *")]


def test_without_scripts_the_text_survives_a_new_login(town: Town, people: People, browser: Browser) -> None:
    path = f"/desk/r/{file_routed(town.reporter)['number']}"
    answer = sent_after_the_end(browser.sign_in(town.worker), path, action="return", note=LINES)
    assert (answer.status_code, answer.location) == (303, f"/login?next={path}")
    assert "<b>" not in answer.headers["Set-Cookie"]
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert texts_of(browser.page("/login")) == []  # nobody yet
    assert texts_of(browser.sign_in(town.officer).page(path)) == []  # somebody else at the same browser
    browser.sign_in(town.worker)
    assert texts_of(browser.page("/desk")) == []
    page = browser.page(path)
    assert texts_of(page) == ["说明", LINES]
    # A refusal keeps it, what is taken ends it.
    form = form_to(page, f"{path}?")
    came = {"Referer": f"http://localhost{path}"}
    assert browser.submit(form, headers=came, action="return", note="").status_code == 422
    assert texts_of(browser.page(path)) == ["说明", LINES]
    taken = browser.submit(form_to(browser.page(path), f"{path}?"), headers=came, action="note", note="已到现场")
    assert taken.status_code == 303
    assert texts_of(browser.page(path)) == []


def test_a_text_too_long_for_a_cookie_is_given_back_at_once(town: Town, browser: Browser) -> None:
    path, long = f"/desk/r/{file_routed(town.reporter)['number']}", "𠮷" * 2000
    answer = sent_after_the_end(browser.sign_in(town.worker), path, action="note", note=long)
    page = soup_of(answer)
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
    assert [each.get_text() for each in page.select("main dd.said")] == [long]
    assert page.select("main a.button")[0]["href"] == f"/login?next={path}"


def test_a_form_that_is_none_of_ours_leads_to_the_login(town: Town, browser: Browser) -> None:
    path = f"/desk/r/{file_routed(town.reporter)['number']}"
    came = {"Accept": "text/html", "Referer": f"http://localhost{path}"}
    for seal in ("", "made up", "a.b"):
        answer = browser.send(path, {"action": "note", "note": LINES, "csrf": seal}, came)
        assert (answer.status_code, answer.location) == (303, f"/login?next={path}"), seal
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("kept", ["", "x" * 40, "中文", "a.b"])
def test_a_kept_text_that_nobody_sealed_is_none(town: Town, browser: Browser, kept: str) -> None:
    browser.sign_in(town.worker).client.set_cookie("wx-text", kept)
    assert texts_of(browser.page("/desk")) == []


def test_a_refused_form_leads_back_to_its_page(town: Town, browser: Browser) -> None:
    """To reload the refusal would send the form once more, and home is not where one was."""
    form = form_to(browser.sign_in(town.worker).page("/account"), "/account")
    came = "http://localhost/desk?state=accepted&done=note"
    back = soup_of(browser.submit(form, headers={"Referer": came}, csrf=None)).select('main a[href^="/desk"]')
    assert [each["href"] for each in back] == ["/desk?state=accepted"]
    for elsewhere in ("https://evil.example/desk", "http://localhost//evil.example"):
        refused = soup_of(browser.submit(form, headers={"Referer": elsewhere}, csrf=None))
        assert {str(each["href"]) for each in refused.select("main a")} == {"/"}


def test_get_changes_nothing_and_only_get_reads(app: Flask) -> None:
    methods = {method for rule in page_rules(app) for method in rule.methods}
    assert methods <= {"GET", "HEAD", "OPTIONS", "POST"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_es2017_and_short(script: Path) -> None:
    import esprima  # half a second of every process that lists the tests

    text = script.read_text(encoding="utf-8")
    esprima.parseModule(text)
    assert not _LATER.search(text)
    assert len(text.splitlines()) <= 250


@pytest.mark.parametrize("sheet", sorted(ROOT.rglob("*.css")), ids=lambda path: path.name)
def test_styles_an_old_browser_reads(sheet: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not (later := _LATER_STYLES.search(text)), later


@pytest.mark.parametrize("template", sorted(ROOT.rglob("*.html")), ids=lambda path: path.name)
def test_templates_hold_no_inline_script_or_style(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:|\|\s*safe\b", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)


def unpacked(answer: TestResponse) -> str:
    """The text of an answer that came packed."""
    assert answer.headers["Content-Encoding"] == "gzip"
    return gzip.decompress(answer.data).decode()


def weight(browser: Browser, path: str) -> tuple[int, int]:
    """(all bytes, bytes of scripts) of a page with its files, compressed, without photos."""
    return weight_of(browser.get(path, headers={"Accept-Encoding": "gzip"}), browser)


def weight_of(page: TestResponse, browser: Browser) -> tuple[int, int]:
    """The same of a page that came packed."""
    seen: set[str] = set()
    queue = re.findall(r'(?:src|href)="(/assets/[^"]+)"', unpacked(page))
    everything, scripts = len(page.data), 0
    while queue:
        address = queue.pop()
        if address in seen:
            continue
        seen.add(address)
        if address not in _ASSETS:
            _ASSETS[address] = asset(browser, address)
        size, needs = _ASSETS[address]
        everything += size
        if address.endswith(".js"):
            scripts += size
            queue += needs
    return everything, scripts


# Their addresses name what they hold, so one look is enough.
_ASSETS: dict[str, tuple[int, list[str]]] = {}


def asset(browser: Browser, address: str) -> tuple[int, list[str]]:
    """The compressed bytes of a file, and the scripts that it asks for."""
    answer = browser.client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    text = gzip.decompress(answer.data).decode() if address.endswith(".js") else ""
    return len(answer.data), re.findall(r'from "([^"]+)"', text)


def test_bytes_of_the_desk(town: Town, browser: Browser) -> None:
    for _ in range(49):
        file_routed(town.reporter)
    report = file_routed(town.reporter)
    browser.sign_in(town.worker)
    for path in ("/desk", f"/desk/r/{report['number']}"):
        everything, scripts = weight(browser, path)
        assert everything <= 30 * 1024, path
        assert scripts <= 20 * 1024, path
