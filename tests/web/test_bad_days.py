"""Bad days that need no browser: a photo at the limit and past it, a form sent twice, five hundred idle queues."""

import io
from itertools import cycle, islice

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests import pictures
from tests.report_rows import add_report
from tests.reporting import NEIGHBOUR, VILLAGE, Town, file_routed, take
from tests.statements import count_statements
from tests.web.browsing import Browser, fields_of, form_to, soup_of
from wxapi.photos.models import Photo
from wxapi.photos.rules.photos import MAX_BYTES

QUEUES = 500


def photo_of(size: int) -> bytes:
    """A picture of so many bytes: what follows its end is no part of it."""
    shot = pictures.jpeg(640, 480)
    return shot + bytes(size - len(shot))


def test_twenty_megabytes_and_one_byte_more(town: Town, browser: Browser, session: Session) -> None:
    assert MAX_BYTES == 20 * 1024 * 1024
    report = take(town.worker, file_routed(town.reporter), "accept")
    form = form_to(browser.sign_in(town.worker).page(f"/desk/r/{report['number']}"), f"/desk/r/{report['number']}?")
    seal = fields_of(form)["csrf"]

    def send(size: int, once: str, accept: str) -> tuple[int, str]:
        data = {"csrf": seal, "once": once, "file": (io.BytesIO(photo_of(size)), "a.jpg")}
        answer = browser.send("/photos", data, {"Accept": accept, "Origin": "http://localhost"})
        return answer.status_code, answer.text

    assert send(MAX_BYTES, "once-of-the-largest", "application/json")[0] == 201
    status, text = send(MAX_BYTES + 1, "once-of-one-too-large", "application/json")
    assert status == 413
    assert "20 MB" in text
    assert session.scalar(select(func.count()).select_from(Photo)) == 1
    # Without scripts it comes with the form: what was typed is not lost with it.
    large = (io.BytesIO(photo_of(MAX_BYTES + 1)), "large.jpg")
    answer = browser.submit(form, action="note", note="现场照片见附件", photos=large)
    assert answer.status_code == 413
    kept = fields_of(form_to(soup_of(answer), f"/desk/r/{report['number']}?"))
    assert kept["note"].strip() == "现场照片见附件"
    assert "20 MB" in soup_of(answer).get_text()


def test_a_used_form_with_other_words_is_told_so_in_words_people_know(town: Town, browser: Browser) -> None:
    """As from a page out of the browser's memory, where no script fetched it anew."""
    report = file_routed(town.reporter)
    form = form_to(browser.sign_in(town.worker).page(f"/desk/r/{report['number']}"), f"/desk/r/{report['number']}?")
    assert browser.submit(form, action="accept").status_code == 303
    answer = browser.submit(form, action="note", note="再看一次")
    assert answer.status_code == 422
    said = soup_of(answer).get_text()
    assert "已经提交过" in said
    assert "Idempotency" not in said


def test_two_tabs_of_one_person(town: Town, browser: Browser) -> None:
    """What the second tab typed stays, and the first tab's step is marked as new."""
    report = file_routed(town.reporter)
    path = f"/desk/r/{report['number']}"
    browser.sign_in(town.worker)
    first, second = (form_to(browser.page(path), f"{path}?") for _ in range(2))
    assert browser.submit(first, action="accept").status_code == 303
    answer = browser.submit(second, action="hand_on", desk_code=NEIGHBOUR, note="界线以北")
    assert answer.status_code == 409
    page = soup_of(answer)
    kept = fields_of(form_to(page, f"{path}?"))
    assert (kept["action"], kept["desk_code"], kept["note"].strip()) == ("hand_on", NEIGHBOUR, "界线以北")
    assert [line.b.text for line in page.select(".timeline .new") if line.b] == ["受理"]


def test_five_hundred_idle_queues(app: Flask, session: Session, town: Town) -> None:
    """Each asks for what is new: a few bytes, a few reads, no writes; what moves is told only where it lies."""
    here, elsewhere = add_report(session), add_report(session, village=NEIGHBOUR)
    tellers = [Browser(app).sign_in(person) for person in (town.worker, town.colleague, town.neighbour)]
    tags: list[str] = []
    for browser in tellers:
        answer = browser.get("/desk/rows")
        assert answer.status_code == 200
        tags.append(answer.headers["ETag"])

    def ask(browser: Browser, tag: str) -> int:
        answer = browser.get("/desk/rows", headers={"If-None-Match": tag})
        assert answer.status_code == 200 or len(str(answer.headers)) <= 300
        return int(answer.status_code)

    with count_statements() as statements:
        statuses = [ask(*each) for each in islice(cycle(zip(tellers, tags, strict=True)), QUEUES)]
    assert statuses == [304] * QUEUES
    assert len(statements) <= 3 * QUEUES
    assert {text.split()[0] for text in statements} == {"SELECT"}
    here.card = "yellow"
    session.flush()
    asked = [ask(*each) for each in zip(tellers, tags, strict=True)]
    assert asked == [200, 200, 304], (here.desk_code, elsewhere.desk_code, VILLAGE)
