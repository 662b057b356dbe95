"""A form sent with nothing filled in: whatever is missing is named, beside its control or before its sentence."""

import uuid

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask

from tests.factories import People
from tests.reporting import file_routed, settle, take
from tests.web.browsing import Browser, fields_of, form_to, soup_of
from tests.web.visits import VISITS, Scene, set_scene
from wxapi.platform.refusals import counter_of

# Sentences that say what is wrong, but not with what.
BARE = ("必填。", "应为", "长度", "不能包含", "不是", "须为", "不能为空")
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


def test_what_a_form_lacks_is_named(app: Flask, scene: Scene) -> None:
    refused, wrongly = 0, []
    for visits in VISITS.values():
        for visit in visits:
            person = scene.person(visit)
            if person is None or visit.status != 200:
                continue
            browser, path = Browser(app).sign_in(person), scene.path(visit)
            for form in browser.page(path).select("form[method=post]"):
                if form.select_one(TYPED) is None:
                    continue
                choices = [str(each["value"]) for each in form.select("input[type=radio][name=action]")] or [None]
                for choice in choices:
                    asked = {"action": choice} if choice else {}
                    answer = browser.submit(form, **emptied(form) | asked | {"once": uuid.uuid4().hex})
                    if answer.status_code < 400:
                        continue
                    refused += 1
                    found = without_a_name(soup_of(answer))
                    wrongly += [f"{visit.who} {path} {choice or form['action']}: {each}" for each in found]
    assert wrongly == []
    assert refused > 20


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
