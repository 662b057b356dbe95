"""Two cases side by side, merged and taken apart."""

from tests.reporting import NEIGHBOUR, Town, file_routed, read, take
from tests.web.browsing import Browser, form_to


def test_merge_and_unmerge(town: Town, browser: Browser) -> None:
    one, other = file_routed(town.reporter), file_routed(town.reporter)
    path = f"/desk/r/{one['number']}/merge"
    browser.sign_in(town.worker)
    assert other["number"] in browser.page(path).get_text()  # offered: it lies nearby
    form = form_to(browser.page(f"{path}?into={other['number']}"), path)
    answer = browser.submit(form, note="同一处")
    assert (answer.status_code, answer.location) == (
        303,
        f"/desk/r/{other['number']}?done=merge&merged={one['number']}",
    )
    assert read(town.reporter, one["id"])["state"] == "merged"
    case = f"/desk/r/{one['number']}"
    assert browser.submit(form_to(browser.page(case), f"{case}?"), action="unmerge").status_code == 303
    assert read(town.reporter, one["id"])["state"] == "routed"


def test_what_cannot_be_merged(town: Town, browser: Browser) -> None:
    one, far = file_routed(town.reporter), file_routed(town.reporter, NEIGHBOUR)
    path = f"/desk/r/{one['number']}/merge"
    browser.sign_in(town.worker)
    assert "内容不存在" in browser.page(f"{path}?into={far['number']}").get_text()  # another village's
    other = file_routed(town.reporter)
    form = form_to(browser.page(f"{path}?into={other['number']}"), path)
    take(town.colleague, one, "note", note="看过")
    stale = browser.submit(form, note="同一处")
    assert stale.status_code == 409
    assert "同一处" in stale.text
    assert browser.submit(form, into="JZ-00000000").status_code == 404
    assert Browser(browser.app).sign_in(town.supervisor).get(path).status_code == 404
