"""What is sent is read by fields that refuse what cannot be stored or seen: every string of every request."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from marshmallow import Schema, ValidationError, fields

from tests.contract.test_openapi import API
from wxapi.platform.wire import PlainWord, Text

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
