"""A form sent with nothing filled in: whatever is missing is named, beside its control or before its sentence."""

import re
import uuid
from collections.abc import Callable, Iterator
from http import HTTPStatus

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask, Response, abort

from config import Config
from tests.factories import People
from tests.reporting import file_routed, settle, take
from tests.web.browsing import Browser, fields_of, form_to, soup_of
from tests.web.visits import VISITS, Scene, set_scene
from wxapi.app import create_app
from wxapi.kernel.errors import TooManyRequestsError, UnavailableError
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import guard
from wxapi.platform.refusals import counter_of

# Sentences that say what is wrong, but not with what.
BARE = ("必填。", "选项无效", "应为", "长度", "不能包含", "不是", "须为", "不能为空")
_CODE = re.compile("[a-z]{2,}")
TYPED = "input[type=text], input[type=number], input[type=date], input[type=file], select, textarea, input[type=radio]"


@pytest.fixture
def scene(app: Flask, people: People) -> Scene:
    return set_scene(people, counter_of(app))


def without_a_name(page: BeautifulSoup) -> list[str]:
    """Sentences of a refusal that stand neither in a field nor behind the name of one."""
    alone = page.select("main [role=alert] p, main p.error, main td strong.error")
    return [text for each in alone if (text := each.get_text(" ", strip=True)).startswith(BARE)]


def emptied(form: Tag) -> dict[str, object]:
    hidden = {str(each["name"]) for each in form.select("input[type=hidden][name]")}
    return {name: "" for name in fields_of(form) if name not in hidden}


def forms_of_all(app: Flask, scene: Scene) -> Iterator[tuple[Browser, str, Tag]]:
    """Each form of each page, as whoever may see it: their browser, who and where, the form."""
    for visits in VISITS.values():
        for visit in visits:
            person = scene.person(visit)
            if person is None or visit.status != 200:
                continue
            browser, path = Browser(app).sign_in(person), scene.path(visit)
            for form in browser.page(path).select("form[method=post]"):
                yield browser, f"{visit.who} {path}", form


def test_what_a_form_lacks_is_named(app: Flask, scene: Scene) -> None:
    refused, wrongly = 0, []
    for browser, where, form in forms_of_all(app, scene):
        if form.select_one(TYPED) is None:
            continue
        choices = [str(each["value"]) for each in form.select("input[type=radio][name=action]")] or [None]
        for choice in choices:
            asked = {"action": choice} if choice else {}
            answer = browser.submit(form, **emptied(form) | asked | {"once": uuid.uuid4().hex})
            if answer.status_code < 400:
                continue
            refused += 1
            wrongly += [f"{where} {choice or form['action']}: {each}" for each in without_a_name(soup_of(answer))]
    assert wrongly == []
    assert refused > 20


def test_what_a_form_has_no_choice_for_is_told_in_words(app: Flask, scene: Scene) -> None:
    """As from a page that was open while the city's lists changed: the codes of the choices were read out."""
    refused, wrongly = 0, []
    for browser, where, form in forms_of_all(app, scene):
        chosen = {str(each["name"]) for each in form.select("select[name], input[type=radio][name]")}
        for name in sorted(chosen):
            answer = browser.submit(form, **{name: "xyz", "once": uuid.uuid4().hex})
            if answer.status_code < 400:
                continue
            refused += 1
            told = soup_of(answer).select("main [role=alert], main .error")
            words = [each.get_text(" ", strip=True) for each in told]
            wrongly += [f"{where} {name}: {each}" for each in words if _CODE.search(each)]
    assert wrongly == []
    assert refused > 10


def test_from_what_is_gone_a_way_leads_back_to_what_is_there(app: Flask, scene: Scene) -> None:
    """A form of a thing that a colleague has taken away meanwhile: its own page is gone with it."""
    ids = sorted(set(scene.names.values()), key=len)
    gone, nowhere = set(), []
    for browser, where, form in forms_of_all(app, scene):
        page, action = where.partition(" ")[2], str(form["action"])
        for each in ids:
            none = str(uuid.uuid4()) if len(each) == 36 else "JZ-00000000"
            page, action = page.replace(each, none), action.replace(each, none)
        form["action"] = action
        answer = browser.submit(form, {"Referer": f"http://localhost{page}"}, once=uuid.uuid4().hex)
        if answer.status_code != 404:
            continue
        gone.add(action.partition("?")[0].strip("/").partition("/")[0])
        ways = [str(link["href"]) for link in soup_of(answer).select("main a.button")]
        assert ways[0] != "/", f"{where}: only the start is offered"
        nowhere += [f"{where} {action}: {way}" for way in ways if browser.get(way).status_code not in {200, 303}]
    assert nowhere == []
    assert gone >= {"desk", "hall", "m", "work"}


def test_a_result_without_its_photo_says_so(people: People, browser: Browser) -> None:
    """What is forgotten most: the page said 必填 and not what."""
    town = settle(people)
    report = take(town.worker, file_routed(town.reporter), "accept")
    page = browser.sign_in(town.worker).page(f"/desk/r/{report['number']}")
    answer = browser.submit(form_to(page, f"/desk/r/{report['number']}?"), action="resolve", note="已清运")
    assert answer.status_code == 422
    shown = soup_of(answer)
    assert "照片：必填。" in shown.select("[role=alert]")[0].get_text()
    assert "必填。" in shown.select("fieldset.photos")[0].get_text()


SECRET = "a-word-of-the-inside"
TROUBLE: dict[int, Callable[[], None]] = {
    **{status: lambda status=status: abort(status) for status in (400, 403, 404, 408, 413, 415)},  # type: ignore[misc]
    429: lambda: refuse(TooManyRequestsError("x", "操作过于频繁，请稍后再试。", retry_after=7)),
    500: lambda: refuse(RuntimeError(SECRET)),
    503: lambda: refuse(UnavailableError("x", "服务暂时不可用，请稍后重试。", retry_after=7)),
}


def refuse(error: Exception) -> None:
    raise error


@pytest.fixture
def away(make_config: Callable[..., Config]) -> Browser:
    """Somebody signed in, before an app whose database nobody serves."""
    browser = Browser(create_app(make_config(database_url="postgresql+psycopg://nobody@127.0.0.1:9/nothing")))
    browser.client.set_cookie("wx", "x" * 43)
    return browser


def held(page: BeautifulSoup) -> list[str]:
    """The ways out of a page of trouble, when it says all that it should and no more."""
    said = page.get_text()
    assert page.h1 is not None
    assert page.title is not None
    assert page.title.get_text().startswith(page.h1.get_text())
    assert "请提供编号" in said
    for inside in (SECRET, "Traceback", "Error", "psycopg", "HTTP", "请求方式"):
        assert inside not in said
    return [str(each["href"]) for each in page.select("main a.button")]


def test_with_the_database_away_every_page_says_so(away: Browser) -> None:
    """The page of trouble asks nobody who reads it: it was a 500 in JSON."""
    for path in ("/desk?state=routed", "/m/new", "/login", "/hall", "/desk/rows", f"/t/{uuid.uuid4()}"):
        answer = away.get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), path
        assert held(soup_of(answer))[0] == path
    assert away.get("/nothing").status_code == 404
    assert held(soup_of(away.last)) == ["/"]
    answer = away.send(
        "/desk/bulk", {"note": "已电话通知"}, {"Accept": "text/html", "Referer": "http://localhost/desk"}
    )
    assert answer.status_code == 503
    page = soup_of(answer)
    assert held(page)[0] == "/desk"
    assert [each.get_text() for each in page.select("dl.facts > *")] == ["说明", "已电话通知"]


def test_every_trouble_is_a_page_with_a_way_out(away: Browser) -> None:
    for status, trouble in TROUBLE.items():
        name, path = f"desk.trouble_{status}", f"/trouble/{status}"

        def view(trouble: Callable[[], None] = trouble) -> Response:
            trouble()
            return Response()

        away.app.view_functions[name] = guard(Permission.PUBLIC)(view)
        away.app.url_map.add(away.app.url_rule_class(path, endpoint=name))
        answer = away.get(path)
        assert answer.status_code == status
        out = held(soup_of(answer))
        assert out[-1] == "/"
        assert (path in out) == (status in {408, 429, 500, 503})
        assert answer.headers.get("Retry-After") == ("7" if status in {429, 503} else None)
        assert ("7 秒后可以再试。" in answer.text) == (status == HTTPStatus.TOO_MANY_REQUESTS)
    away.client.delete_cookie("wx")
    answer = away.send("/docs", {}, {"Accept": "text/html"})
    assert (answer.status_code, "GET" in answer.headers["Allow"]) == (HTTPStatus.METHOD_NOT_ALLOWED, True)
    assert held(soup_of(answer)) == ["/"]


def test_what_was_typed_into_a_form_that_expired_is_given_back(people: People, browser: Browser) -> None:
    """Without scripts nothing else keeps it."""
    town = settle(people)
    path = f"/desk/r/{file_routed(town.reporter)['number']}"
    form = form_to(browser.sign_in(town.worker).page(path), f"{path}?")
    answer = browser.submit(form, csrf=None, action="note", note="<b>已到现场</b>\n\n等候天晴")
    assert answer.status_code == 403
    said = soup_of(answer).select_one("dd.said")
    assert said is not None
    assert said.get_text() == "<b>已到现场</b>\n\n等候天晴"
