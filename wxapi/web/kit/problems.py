"""Refusals as pages: what a problem document says, in a page with a way on."""

import json

from flask import Flask, Response, request

from wxapi.kernel.errors import not_found
from wxapi.web.kit import access, render
from wxapi.web.kit.blueprint import is_page

_PROBLEM = "application/problem+json"
_TITLES = {
    400: "请求有误",
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
# What a client's programmer reads otherwise than somebody before a page.
_SENTENCES = {
    "idempotency_key_reused": "这份表单已经提交过。请返回并刷新页面，再填写提交。",
    "answer_not_kept": "这份表单此前已提交，请刷新页面查看结果。",
}


def install(app: Flask) -> None:
    """Turn problem documents of pages into pages. A person without a session is sent to the login."""

    @app.after_request
    def show(response: Response) -> Response:
        if response.mimetype != _PROBLEM or not _wants_page():
            return response
        problem = json.loads(response.get_data())
        if response.status_code == 401:
            return render.see(access.way_in())
        if problem["code"] == "confirmation_required":
            return render.see(access.way_to_confirm())
        status, sentence = response.status_code, _SENTENCES.get(problem["code"], problem["detail"])
        if problem["code"] == "role_not_allowed":  # a page of others is not there
            status, sentence = 404, not_found().detail
        shown = render.page(
            "kit/problem.html",
            status=status,
            title=_TITLES.get(status, "系统出错"),
            sentence=sentence,
            fields=problem["errors"],
            request_id=problem["request_id"],
            # What was asked for in the address was no good: the page itself is there.
            retry=request.path if status == 422 and request.method == "GET" and request.args else None,
        )
        for name in ("Retry-After", "Allow"):
            if name in response.headers:
                shown.headers[name] = response.headers[name]
        return shown


def _wants_page() -> bool:
    if not is_page() and (request.endpoint is not None or request.path.startswith("/api/")):
        return False
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "text/html"
