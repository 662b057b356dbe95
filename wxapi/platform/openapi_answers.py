"""What no schema says of an operation, added to the finished OpenAPI document: public calls, refusals, headers."""

from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]

_PROBLEM: Json = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_REQUEST_ID: Json = {"description": "请求编号，与日志中的一致。", "schema": {"type": "string"}}
_RETRY_AFTER: Json = {"description": "多少秒后再试。", "schema": {"type": "integer"}}
# Status → what it means and the platform's own codes; a feature's own stand beside them in docs/errors.md.
_REFUSALS: Mapping[int, str] = {
    400: "请求无法读取：`malformed_request`、`not_json`、`cursor_invalid`、`idempotency_key_required`、"
    "`idempotency_key_invalid`。",
    401: "没有登录，或登录已失效：`token_missing`、`token_invalid`。",
    403: "您的身份不能进行此类操作：`role_not_allowed`。",
    404: "内容不存在，或您无权查看：`not_found`。",
    408: "请求内容没有在规定时间内到达（JSON 10 秒，照片 60 秒）：`request_timeout`。",
    409: "与当前状态冲突；重复的请求若不再给出首次的答复，为 `answer_not_kept`。",
    413: "提交的内容过大：`body_too_large`。",
    422: "内容可以读取，但不符合要求：`validation_failed`；`errors` 指出字段。",
    429: "操作过于频繁：`too_many_requests`。",
    503: "所需的服务暂时不可用：`database_unavailable`、`storage_unavailable`、`wechat_unavailable`。",
}
_WAITS = frozenset({429, 503})


def complete(document: Json) -> None:
    """Complete every operation of the document in place."""
    for item in document["paths"].values():
        shared = item.get("parameters", [])
        for operation in item.values():
            if isinstance(operation, dict):
                _complete_operation(operation, shared)
    for schema in _schemas(document):
        # Absent and null mean the same here, and a default of null makes the field required for generators.
        if "default" in schema and (schema["default"] is None or not _fits(schema)):
            del schema["default"]


def _complete_operation(operation: Json, shared: list[Json]) -> None:
    operation.setdefault("security", [])
    answers = operation["responses"]
    for status in _refused_with(operation, shared):
        answers.setdefault(str(status), {"description": _REFUSALS[status], "content": _PROBLEM})
    for status, answer in answers.items():
        if "$ref" not in answer:
            headers = answer.setdefault("headers", {})
            headers["X-Request-ID"] = _REQUEST_ID
            if status.isdigit() and int(status) in _WAITS:
                headers["Retry-After"] = _RETRY_AFTER


def _refused_with(operation: Json, shared: list[Json]) -> Iterator[int]:
    parameters = [*shared, *operation.get("parameters", [])]
    yield from (422, 429, 503)
    if "requestBody" in operation:
        yield from (408, 413)
    if "requestBody" in operation or any(each.get("in") in {"query", "header"} for each in parameters):
        yield 400
    if operation["security"]:
        yield 401
    if "x-roles" in operation:
        yield 403
    if any(each.get("in") == "path" for each in parameters):
        yield 404
    if any(each.get("name") == "Idempotency-Key" for each in parameters):
        yield 409


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
