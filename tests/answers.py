"""Every answer that a test gets from the API, held against the OpenAPI document: its status and, of a refusal, its code."""

from functools import cache

from flask import Flask, Response, request

from wxapi.platform import openapi

Documented = dict[str, dict[int, set[str]]]
# What a test got and the document does not say; emptied by the fixture that looks at it.
UNDOCUMENTED: list[str] = []
# Of the whole run: operation, status and code.
SEEN: set[tuple[str, int, str]] = set()
_PROBLEM = "application/problem+json"


def watch(app: Flask) -> Flask:
    """Compare whatever this app answers."""

    @app.after_request
    def compare(response: Response) -> Response:
        described = request.method != "OPTIONS" and request.path.startswith("/api/v1/")  # Flask answers OPTIONS itself
        if described and request.endpoint in documented():
            _compare(str(request.endpoint), response)
        return response

    return app


@cache
def documented() -> Documented:
    """Operation → status → its codes; good answers have none."""
    return {
        operation["operationId"]: {
            int(status): _codes(answer) for status, answer in operation["responses"].items() if status.isdigit()
        }
        for item in openapi.document()["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict)
    }


def _codes(answer: dict[str, object]) -> set[str]:
    schema = answer.get("content", {}).get(_PROBLEM, {}).get("schema", {})  # type: ignore[attr-defined]
    return {
        code for part in schema.get("allOf", ()) for code in part.get("properties", {}).get("code", {}).get("enum", ())
    }


def _compare(operation: str, response: Response) -> None:
    status = response.status_code
    if status == 500:
        return
    code = response.get_json()["code"] if response.content_type == _PROBLEM else ""
    SEEN.add((operation, status, code))
    codes = documented()[operation].get(status)
    if codes is None or (code and code not in codes):
        UNDOCUMENTED.append(f"{operation}: {status} {code}")
