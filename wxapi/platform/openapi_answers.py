"""What no schema says of an operation, added to the finished OpenAPI document: public calls, refusals, headers."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_FOUND: Json = json.loads((Path(__file__).parent / "data" / "refusals.json").read_text(encoding="utf-8"))
_SENTENCES: Mapping[str, str] = _FOUND["sentences"]
_PROBLEM: Json = {"$ref": "#/components/schemas/Problem"}
_STATUS: Mapping[int, str] = {
    200: "成功。",
    201: "已建立。",
    202: "已接受，随后处理。",
    204: "成功，无内容。",
    304: "没有变化（`If-None-Match` 与现有的 `ETag` 相同），无内容。",
    400: "请求无法读取。",
    401: "没有登录，或登录已失效。",
    403: "您的身份不能进行此类操作。",
    404: "内容不存在，或您无权查看。",
    408: "请求内容没有在规定时间内到达（JSON 10 秒，照片 60 秒）。",
    409: "与当前状态冲突。",
    410: "曾经有效，现已过期。",
    413: "提交的内容过大（JSON 256 KiB，照片 20 MiB）。",
    415: "文件类型不受支持。",
    422: "内容可以读取，但不符合要求；`errors` 指出字段。",
    429: "操作过于频繁，请在 `Retry-After` 秒后再试。",
    503: "所需的服务暂时不可用，请在 `Retry-After` 秒后再试。",
}
_HEADERS: Mapping[str, Json] = {
    "X-Request-ID": {"description": "请求编号，与日志和错误中的 `request_id` 一致；请求可以自带。", "type": "string"},
    "Retry-After": {"description": "多少秒后再试。", "type": "integer"},
    "Idempotency-Replayed": {"description": "`true`：这是首次请求的答复，没有再次执行。", "type": "string"},
    "ETag": {"description": "内容的标识；下次放在 `If-None-Match` 里。", "type": "string"},
    "WWW-Authenticate": {"description": "登录方式，固定为 `Bearer`。", "type": "string"},
}
_IF_NONE_MATCH: Json = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "schema": {"type": "string"},
    "description": "上次答复的 `ETag`；没有变化时答复 304，无内容。",
}
# What flask-smorest says of a status.
_ENGLISH = frozenset({None, "OK", "Created", "Accepted", "No Content", "Not Modified"})
_WAITS = frozenset({429, 503})


def complete(document: Json, reasons: Mapping[str, str]) -> None:
    """Complete every operation of the document in place.

    `reasons`: why a workflow refuses a step, and the sentences.
    """
    document["components"]["headers"] = {
        name: {"description": told["description"], "schema": {"type": told["type"]}} for name, told in _HEADERS.items()
    }
    for item in document["paths"].values():
        shared = item.get("parameters", [])
        for operation in item.values():
            if isinstance(operation, dict):
                _complete_operation(operation, shared, reasons)
    for schema in _schemas(document):
        # Absent and null mean the same here, and a default of null makes the field required for generators.
        if "default" in schema and (schema["default"] is None or not _fits(schema)):
            del schema["default"]


def sentence_of(code: str) -> str:
    """What a refusal's code says to people; empty for one that no document names."""
    return next((said for key, said in _SENTENCES.items() if key.partition(" ")[2] == code), "")


def refusals_of(operation: Json, shared: list[Json]) -> dict[int, list[str]]:
    """Status → codes that an operation of the finished document can answer with."""
    found: dict[int, set[str]] = {}
    for status, code in _around(operation, shared):
        found.setdefault(status, set()).add(code)
    for status, codes in _FOUND["operations"].get(operation["operationId"], {}).items():
        found.setdefault(int(status), set()).update(codes)
    return {status: sorted(found[status]) for status in sorted(found)}


def _complete_operation(operation: Json, shared: list[Json], reasons: Mapping[str, str]) -> None:
    operation.setdefault("security", [])
    # A view whose documentation is one sentence says it all in it.
    operation.setdefault("description", operation.get("summary", ""))
    answers = operation["responses"]
    for status, codes in refusals_of(operation, shared).items():
        answers[str(status)] = _refusal(status, codes, reasons)
    if "304" in answers:
        answers["200"].setdefault("headers", {})["ETag"] = _header("ETag")
        answers["304"].setdefault("headers", {})["ETag"] = _header("ETag")
        operation.setdefault("parameters", []).append(_IF_NONE_MATCH)
    replayed = any(each.get("name") == "Idempotency-Key" for each in operation.get("parameters", []))
    for status, answer in answers.items():
        if "$ref" not in answer:
            _complete_answer(answer, int(status) if status.isdigit() else 0, replayed=replayed)


def _complete_answer(answer: Json, status: int, *, replayed: bool) -> None:
    if answer.get("description") in _ENGLISH:
        answer["description"] = _STATUS.get(status, "")
    headers = answer.setdefault("headers", {})
    headers["X-Request-ID"] = _header("X-Request-ID")
    if status in _WAITS:
        headers["Retry-After"] = _header("Retry-After")
    if status == 401:
        headers["WWW-Authenticate"] = _header("WWW-Authenticate")
    if replayed and 200 <= status < 300:
        headers["Idempotency-Replayed"] = _header("Idempotency-Replayed")


def _refusal(status: int, codes: list[str], reasons: Mapping[str, str]) -> Json:
    """One answer: what it means, its codes as an enumeration with their sentences, and reasons where there are some."""
    members: Json = {"code": {"type": "string", "enum": codes, "description": "错误代码。"}}
    lines = [f"- `{code}`：{_SENTENCES[f'{status} {code}']}" for code in codes]
    if "action_not_available" in codes:
        members["reason"] = {
            "type": ["string", "null"],
            "enum": [*reasons, None],
            "description": "为什么不能；null：该状态下没有此操作。\n\n"
            + "\n".join(f"- `{reason}`：{sentence}" for reason, sentence in reasons.items()),
        }
        members["state"] = {"type": ["string", "null"], "description": "当前状态。"}
    if "version_conflict" in codes:
        members["version"] = {"type": "integer", "description": "当前版本号。"}
        members["state"] = {"type": ["string", "null"], "description": "当前状态。"}
    schema = {"allOf": [_PROBLEM, {"type": "object", "required": ["code"], "properties": members}]}
    return {
        "description": _STATUS[status] + "\n\n" + "\n".join(lines),
        "content": {"application/problem+json": {"schema": schema}},
    }


def _header(name: str) -> Json:
    return {"$ref": f"#/components/headers/{name}"}


def _around(operation: Json, shared: list[Json]) -> Iterator[tuple[int, str]]:
    """Refusals by what stands around every view: reading, rights, repeats, limits, the database."""
    parameters = [*shared, *operation.get("parameters", [])]
    names = {each.get("name") for each in parameters}
    yield 422, "validation_failed"
    yield 429, "too_many_requests"
    yield 503, "database_unavailable"
    if operation.get("requestBody"):
        yield from ((400, "malformed_request"), (408, "request_timeout"), (413, "body_too_large"))
        if "application/json" in operation["requestBody"]["content"]:
            yield 400, "not_json"
    if operation.get("security"):
        yield from ((401, "token_missing"), (401, "token_invalid"), (503, "rights_changing"))
    if "x-roles" in operation:
        yield 403, "role_not_allowed"
    if any(each.get("in") == "path" for each in parameters):
        yield 404, "not_found"
    if "cursor" in names:
        yield 400, "cursor_invalid"
    if "Idempotency-Key" in names:
        # A form is read to tell a repeat, also where none is wanted.
        yield 400, "malformed_request"
        yield from ((400, "idempotency_key_invalid"), (409, "answer_not_kept"), (422, "idempotency_key_reused"))
        if any(each.get("name") == "Idempotency-Key" and each["required"] for each in parameters):
            yield 400, "idempotency_key_required"


def _fits(schema: Json) -> bool:
    """Whether the default is of the schema's type."""
    return not (schema.get("type") == "string" and not isinstance(schema["default"], str))


def _schemas(value: Any) -> Iterator[Json]:
    """Every object of the document that could be a schema."""
    if isinstance(value, dict):
        if "type" in value or "enum" in value or "default" in value:
            yield value
        for each in value.values():
            yield from _schemas(each)
    elif isinstance(value, list):
        for each in value:
            yield from _schemas(each)
