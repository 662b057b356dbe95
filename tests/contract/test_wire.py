"""What is sent is read by fields that refuse what cannot be stored or seen: every string of every request."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from marshmallow import Schema, fields

from tests.contract.test_openapi import API
from wxapi.platform.wire import PlainWord, Text

FAMILY = (Text, PlainWord)


def arguments(app: Flask) -> Iterator[tuple[str, Schema]]:
    """Every schema that reads a part of a request: endpoint, schema."""
    for endpoint, view in app.view_functions.items():
        for argument in getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", []):
            schema = argument["schema"]
            yield endpoint, schema() if isinstance(schema, type) else schema


def strings(schema: Schema, seen: frozenset[type[Any]] = frozenset()) -> Iterator[tuple[str, fields.Field[Any]]]:
    """Every field of the schema that gives a text, also in lists, dictionaries and nested bodies."""
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
                yield from strings(each.schema, seen | {type(schema)})
            elif isinstance(each, fields.String) and not isinstance(each, fields.UUID):
                yield f"{type(schema).__name__}.{name}", each


FOUND = [(f"{endpoint}: {name}", field) for endpoint, schema in arguments(API) for name, field in strings(schema)]


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
