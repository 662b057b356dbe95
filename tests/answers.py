"""Every answer that a test gets from the API, held against the OpenAPI document: its status, of a refusal its code, and
whatever JSON it holds against its schema."""

import io
import json
import re
import uuid
import zipfile
from functools import cache
from typing import Any

import jsonschema_rs
from flask import Flask, Response, request
from sqlalchemy.orm import Session

from wxapi.platform import openapi
from wxapi.platform.audit import record
from wxapi.supervision.rules.audit_words import AUDIT_ACTIONS

Documented = dict[str, dict[int, set[str]]]
# What a test got and the document does not say; emptied by the fixture that looks at it.
UNDOCUMENTED: list[str] = []
# Of the whole run: operation, status and code.
SEEN: set[tuple[str, int, str]] = set()
_PROBLEM = "application/problem+json"


def words_of(answer: Response) -> str:
    """All that an answer says; of a workbook, which is packed, what stands in its parts."""
    data = answer.get_data()
    if not data.startswith(b"PK"):
        return data.decode(errors="replace")
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return "\n".join(book.read(name).decode(errors="replace") for name in book.namelist())


def watch(app: Flask) -> Flask:
    """Compare whatever this app answers."""

    @app.after_request
    def compare(response: Response) -> Response:
        described = request.method != "OPTIONS" and request.path.startswith("/api/v1/")  # Flask answers OPTIONS itself
        if described and request.endpoint in documented():
            _compare(str(request.endpoint), response)
        return response

    return app


def record_known_act(session: Session, actor_id: uuid.UUID | None, action: str, **rest: Any) -> None:
    """In the place of `audit.record`: writes the same row, and notes an act that nobody could read."""
    record(session, actor_id, action, **rest)
    if action not in AUDIT_ACTIONS:
        UNDOCUMENTED.append(f"audit: {action}")


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
    elif response.mimetype.endswith("json") and (fits := _schema_of(operation, status)):
        UNDOCUMENTED.extend(
            f"{operation}: {status} {wrong.message} at {list(wrong.instance_path)}"
            for wrong in fits.iter_errors(_sent(response))
        )


def _sent(response: Response) -> Any:
    # A lone surrogate, echoed from a request, is nothing that the validator reads.
    return json.loads(re.sub(rb"\\(ud[89a-f])", rb"\\\\\1", response.get_data()))


@cache
def _schema_of(operation: str, status: int) -> jsonschema_rs.Draft202012Validator | None:
    """What an answer of JSON must be like; None where the document says nothing of it."""
    document = openapi.document()
    answers = next(
        each["responses"]
        for item in document["paths"].values()
        for each in item.values()
        if isinstance(each, dict) and each["operationId"] == operation
    )
    schemas = [body["schema"] for kind, body in answers[str(status)].get("content", {}).items() if "json" in kind]
    if not schemas:
        return None
    # Not all of them: reading the document anew for each of hundreds of answers took seconds.
    named = document["components"]["schemas"]
    needed = {name: named[name] for name in _named_in(schemas[0], named)}
    return jsonschema_rs.Draft202012Validator({**schemas[0], "components": {"schemas": needed}})


def _named_in(schema: Any, named: dict[str, Any]) -> set[str]:
    """The names of all schemas that this one rests on."""
    found: set[str] = set()
    ahead = [schema]
    while ahead:
        names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(ahead.pop()))) - found
        found |= names
        ahead += [named[name] for name in names]
    return found
