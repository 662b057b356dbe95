"""What is sent is read by fields that refuse what cannot be stored or seen: every string of every request."""

from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, Response
from marshmallow import Schema, ValidationError, fields, validate
from werkzeug.test import run_wsgi_app

from tests.contract.test_openapi import API
from wxapi.platform.wire import PlainWord, Text, json_response

FAMILY = (Text, PlainWord)


def arguments(app: Flask) -> Iterator[tuple[str, Schema]]:
    """Every schema that reads a part of a request: endpoint, schema."""
    for endpoint, view in app.view_functions.items():
        for argument in getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", []):
            schema = argument["schema"]
            yield endpoint, schema() if isinstance(schema, type) else schema


def leaves(schema: Schema, seen: frozenset[type[Any]] = frozenset()) -> Iterator[tuple[str, fields.Field[Any]]]:
    """Every field of the schema that holds one value, also in lists, dictionaries and nested bodies."""
    if type(schema) in seen:
        return
    for name, field in schema.load_fields.items():
        waiting: list[Any] = [field]
        while waiting:
            each = waiting.pop()
            if isinstance(each, fields.List):
                waiting.append(each.inner)
            elif isinstance(each, fields.Dict):
                waiting += [inner for inner in (each.key_field, each.value_field) if inner is not None]
            elif isinstance(each, fields.Nested):
                yield from leaves(each.schema, seen | {type(schema)})
            else:
                yield f"{type(schema).__name__}.{name}", each


EACH = [(f"{endpoint}: {name}", field) for endpoint, schema in arguments(API) for name, field in leaves(schema)]
FOUND = [
    (name, field) for name, field in EACH if isinstance(field, fields.String) and not isinstance(field, fields.UUID)
]
JUDGED_TWICE = [(name, field) for name, field in EACH if len(field.validators) > 1]


def test_the_walk_sees_the_requests() -> None:
    names = {name for name, _ in FOUND}
    assert {
        "identity.change_me: ChangeMe.nickname",
        "reports.file_report: LocationBody.picked_by",
        "training.create_session: AudienceBody.region_codes",
    } <= names


@pytest.mark.parametrize(("name", "field"), FOUND, ids=[name for name, _ in FOUND])
def test_every_text_of_every_request_is_of_the_one_family(name: str, field: fields.Field[Any]) -> None:
    assert isinstance(field, FAMILY), f"{name} is a bare {type(field).__name__}: make it a Text, Line, Word or Choice."


GOOD = ("x", 1, 1.5, True, "2026-12-01", "2026-12-01T00:55:03Z", str(UUID(int=1)), "421002", [], {}, "xx-00000")


def taken_by(field: fields.Field[Any]) -> Any:
    """Something the field takes."""
    if isinstance(field, fields.Nested):
        return next(bodies(field.schema))
    choices = [each for one in field.validators if isinstance(one, validate.OneOf) for each in one.choices]
    members = [member.value for member in field.enum] if isinstance(field, fields.Enum) else []
    return next((value for value in (*GOOD, *choices, *members) if not refused(field, value)), None)


def bodies(schema: Schema) -> Iterator[dict[str, Any]]:
    """One with every key, and of each key: without it, and with what it may not be."""
    whole = {field.data_key or name: taken_by(field) for name, field in schema.load_fields.items()}
    yield from (whole, {}, whole | {"unheard-of": 1})
    for key in whole:
        yield {name: value for name, value in whole.items() if name != key}
        yield from (whole | {key: wrong} for wrong in (None, object(), ""))


def outcome(load: Callable[..., Any], body: dict[str, Any], unknown: str | None) -> Any:
    try:
        return load(body, unknown=unknown)
    except ValidationError as error:
        return error.messages


@pytest.mark.parametrize("unknown", [None, "exclude"])
def test_every_body_is_read_as_marshmallow_reads_it(unknown: str | None) -> None:
    """`WireSchema.load` has a shorter way for what is right; it takes nothing else, and nothing differently."""
    read = 0
    with API.app_context():
        for endpoint, schema in arguments(API):
            for body in bodies(schema):
                ours, usual = outcome(schema.load, body, unknown), outcome(partial(Schema.load, schema), body, unknown)
                assert ours == usual, (endpoint, body)
                read += "unheard-of" in body
    assert read > 60


SLIPS = ("", "?", "x" * 10_000, -1.05, 1_000_000.05)


def refused(field: fields.Field[Any], value: Any) -> list[Any] | dict[Any, Any]:
    """What a field says of a value; nothing where it takes it."""
    try:
        with API.app_context():
            field.deserialize(value)
    except ValidationError as error:
        return error.messages
    return []


@pytest.mark.parametrize(("name", "field"), JUDGED_TWICE, ids=[name for name, _ in JUDGED_TWICE])
def test_one_slip_is_told_in_one_sentence(name: str, field: fields.Field[Any]) -> None:
    told = [sentences for wrong in SLIPS if (sentences := refused(field, wrong))]
    assert told, f"{name} takes whatever it is given."
    assert [sentences for sentences in told if len(sentences) > 1] == []


def sent(answer: Response, method: str) -> Any:
    """What a server is handed: content, status, headers."""
    content, status, headers = run_wsgi_app(answer, {"REQUEST_METHOD": method}, buffered=True)
    return list(content), status, list(headers)


@pytest.mark.parametrize("status", [200, 201, HTTPStatus.ACCEPTED, 404, 503])
def test_json_is_what_flasks_own_answer_is(status: int) -> None:
    ours = json_response({"名": 1}, status)
    theirs = Response('{"名":1}', status=status, content_type="application/json")
    assert vars(ours) == vars(theirs)
    assert [*ours.headers] == [*theirs.headers]
    for method in ("GET", "HEAD"):
        assert sent(ours, method) == sent(theirs, method)
