"""Refusals as pages: what a problem document says, in a page with a way on."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from wxapi.kernel.errors import not_found
from wxapi.platform.flask_app import where
from wxapi.web.kit import access, kept, render, times
from wxapi.web.kit.blueprint import may_be_of_page
from wxapi.web.kit.labels import FILTERS, for_people

_PROBLEM = "application/problem+json"
_TITLES = {
    400: "请求有误",
    401: "请重新登录",
    403: "无法提交",
    404: "内容不存在",
    405: "无法打开",
    408: "提交超时",
    409: "内容已有变化",
    410: "已失效",
    413: "内容过大",
    415: "文件类型不受支持",
    422: "内容有误",
    429: "操作过于频繁",
    503: "服务暂时不可用",
}
# It may go well the next time, as it is.
_PASSING = {408, 429, 500, 503}
# What a client's programmer reads otherwise than somebody before a page.
_SENTENCES = {
    "csrf_invalid": "页面已过期，内容没有提交。请返回上一页，核对后重新提交。",
    "once_missing": "页面不完整，内容没有提交。请返回上一页，核对后重新提交。",
    "method_not_allowed": "该页面不能直接打开，请从首页进入。",
    "idempotency_key_reused": "这份表单已经提交过。请返回并刷新页面，再填写提交。",
    "answer_not_kept": "这份表单此前已提交，请刷新页面查看结果。",
}


def install(app: Flask) -> None:
    """Turn problem documents of pages into pages. A person without a session is sent to the login."""

    @app.after_request
    @where(may_be_of_page)
    def show(response: Response) -> Response:
        if response.status_code < 400 or response.mimetype != _PROBLEM or not _wants_page():
            return response
        problem = json.loads(response.get_data())
        typed, way_on = kept.typed(), _way_on(response.status_code, problem["code"])
        sent_on = way_on and render.see(way_on)
        if sent_on and kept.keep(sent_on, typed):
            return sent_on
        status, sentence = response.status_code, _SENTENCES.get(problem["code"], problem["detail"])
        if problem["code"] == "validation_failed" and _by_address(status):  # nobody has filled in anything
            sentence = "地址中的条件有误。"
        if problem["code"] == "role_not_allowed":  # a page of others is not there
            status, sentence = 404, not_found().detail
        # Trouble of our own: nobody is asked who it is, the answer would not come either, and late.
        access.know_if_possible(ask=status < 500)
        shown = render.page(
            "kit/problem.html",
            status=status,
            title=_TITLES.get(status, "系统出错"),
            sentence=sentence,
            fields=_in_words(problem["errors"]) if _by_address(response.status_code) else problem["errors"],
            request_id=problem["request_id"],
            retry=request.path if _by_address(response.status_code) else None,
            # The page itself, asked for anew: to reload the refusal would send the form once more.
            way_on=way_on,
            is_gone=status == 404,
            back=_way_back(status, problem["code"]),
            wait=_wait(response),
            again=_again() if status in _PASSING else None,
            is_ours=status >= 500,
            typed=typed,
        )
        for name in ("Retry-After", "Allow"):
            if name in response.headers:
                shown.headers[name] = response.headers[name]
        return shown


def _wait(response: Response) -> str:
    """For how long somebody is asked to do nothing who did too much; what else passes takes its own time."""
    seconds = response.headers.get("Retry-After", "") if response.status_code == 429 else ""
    return times.wait(int(seconds)) if seconds.isdecimal() else ""


def _way_on(status: int, code: str) -> str | None:
    """Where the answer is to be had at once: at the login, or from one's phone."""
    if status == 401:
        return access.way_in()
    return access.way_to_confirm() if code == "confirmation_required" else None


def _way_back(status: int, code: str) -> str | None:
    """The page a form came from; of what is gone its page is gone as well, and the list it stood in is offered."""
    came = access.came_from()
    if came is None or status != 404:
        return came
    # Whose right to a page has ended finds no list of it either.
    return None if code == "role_not_allowed" else _list_above(urlsplit(came).path)


def _list_above(path: str) -> str | None:
    """The nearest page at or above a path whose address names no thing; None below the start."""
    routes = current_app.url_map.bind("")
    while path.strip("/"):
        try:
            _, named = routes.match(path, "GET")
        except HTTPException:  # nothing there, or only forms
            named = {"": ""}
        if not named:
            return path
        path = path.rpartition("/")[0]
    return None


def _again() -> str | None:
    return access.local_path(request.full_path.rstrip("?")) if request.method == "GET" else None


def _by_address(status: int) -> bool:
    """Whether what was asked for behind the address's question mark was no good: the page itself is there."""
    if request.method != "GET" or not request.args or request.endpoint is None:
        return False
    # What is not there may be the thing that the path names.
    return status in {400, 422} or (status == 404 and not request.view_args)


def _in_words(errors: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with an address as somebody reads it who has written none of it: names of filters, no codes."""
    return {name: [_sentence(name, sentences)] for name, sentences in errors.items()}


def _sentence(name: str, sentences: Any) -> str:
    label = FILTERS.get(name)
    return "地址中有本页没有的条件。" if label is None else f"{label}：{''.join(for_people(sentences))}"


def _wants_page() -> bool:
    if request.endpoint is None and request.path.startswith("/api/"):
        return False
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "text/html"
