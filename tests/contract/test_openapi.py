"""The OpenAPI document is true: what it says is what the API does, whatever is thrown at it."""

import json
import os
import secrets
import tomllib
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import openapi_spec_validator
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, seed, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config import Config, Env, NamedKey, Secret
from tests.contract.test_house import PUBLIC, ROOT
from tests.factories import People, Person
from wxapi.app import LANES, create_app
from wxapi.kernel.permissions import Role
from wxapi.reports.rules import workflow

KEY = Secret(bytes(32))
# Nothing is contacted to make the document.
NOWHERE = Config(
    env=Env.TEST,
    database_url="postgresql+psycopg://nobody@127.0.0.1:1/nothing",
    redis_url="redis://127.0.0.1:1/0",
    storage_url="file:///tmp/wxapi-openapi",
    public_url="http://localhost",
    wechat_base_url="http://127.0.0.1:1",
    wechat_appid="wx0",
    wechat_secret=KEY,
    wechat_push_token=KEY,
    wechat_push_aes_key=KEY,
    encryption_keys=(NamedKey("k", KEY),),
    lookup_keys=(KEY,),
    signing_keys=(KEY,),
    log_level="WARNING",
)
API = create_app(NOWHERE)
DOCUMENT: dict[str, Any] = API.test_client().get("/api/v1/openapi.json").get_json()
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if method in {"get", "post", "put", "delete"}
]
schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", API)


def json_bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every JSON body of every operation: of the request, and of each good answer."""
    for name, operation in OPERATIONS:
        good = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
        for place, body in {"request": operation.get("requestBody", {}), **good}.items():
            for kind, content in body.get("content", {}).items():
                if "json" in kind:
                    yield f"{name} {place}", content


@pytest.mark.parametrize(
    ("name", "content"), list(json_bodies()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_body_has_an_example_that_fits(name: str, content: dict[str, Any]) -> None:
    examples = [content["example"]] if "example" in content else [e["value"] for e in content["examples"].values()]
    whole = {**content["schema"], "components": DOCUMENT["components"]}
    for example in examples:
        jsonschema_rs.Draft202012Validator(whole).validate(example)


# Codes that are text in the document: the words of each duty's subject, of a step's party, or of what is asked for.
LOOSE = {
    "ActedBy.role", "OriginalNote.role", "LeaveWire.state", "DutyWire.stage", "TableWire.stage",
    "ExportFilter.state", "ExportFilter.stage",
}  # fmt: skip
CODES = {"role", "state", "from_state", "to_state", "stage"}


def test_roles_and_states_are_enumerated() -> None:
    found = {
        f"{name}.{member}"
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for member, told in schema.get("properties", {}).items()
        if member in CODES and not {"enum", "const", "default", "$ref", "allOf", "anyOf", "oneOf"} & told.keys()
    }
    assert found == LOOSE


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_every_operation_says_what_it_does_and_who_may(name: str, operation: dict[str, Any]) -> None:
    assert operation["summary"], name
    assert operation["operationId"], name
    assert "security" in operation or operation["operationId"] in PUBLIC, name


def test_the_document_is_valid() -> None:
    openapi_spec_validator.validate(DOCUMENT)


def test_the_document_says_what_generators_and_people_need() -> None:
    text = json.dumps(DOCUMENT)
    assert '"default": null' not in text
    assert '"cgcs2000"' not in text
    assert {"license", "contact"} <= set(DOCUMENT["info"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert DOCUMENT["info"]["version"] == project["version"]
    assert DOCUMENT["info"]["license"]["name"] == project["license"]
    actions = DOCUMENT["components"]["schemas"]["ActionBody"]["properties"]["action"]["enum"]
    assert set(actions) == set(workflow.PUBLIC_ACTIONS)
    for name, operation in OPERATIONS:
        assert (operation["security"] == []) == (operation["operationId"] in PUBLIC), name
        assert {"422", "503"} <= set(operation["responses"]), name
        assert "Retry-After" in operation["responses"]["503"]["headers"], name


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))


@pytest.fixture
def everybody(city: None, people: People) -> Person:
    """Somebody who may do every kind of thing, in the whole city."""
    return people.make(*((role, "4210") for role in Role if role is not Role.UNIT_OFFICER))


# Moves with every run; `WXAPI_FUZZ_SEED` brings a run back.
SEED = os.environ.get("WXAPI_FUZZ_SEED") or secrets.token_hex(4)


@schema.parametrize()
@seed(int(SEED, 16))
@settings(
    max_examples=8,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_whatever_is_thrown_at_it_the_answer_is_as_documented(
    case: schemathesis.Case, app: Flask, everybody: Person
) -> None:
    response = case.call(app=app, headers={"Authorization": f"Bearer {everybody.token}"})
    # Nobody serves WeChat here; nothing else is away.
    waits_for_wechat = LANES.get(case.operation.definition.raw["operationId"]) == "wechat"
    assert response.status_code < 500 or (response.status_code == 503 and waits_for_wechat), (
        f"WXAPI_FUZZ_SEED={SEED}: {response.content!r}"
    )
    case.validate_response(
        response, checks=[status_code_conformance, content_type_conformance, response_schema_conformance]
    )
    if response.status_code >= 400:
        assert response.headers["content-type"] == ["application/problem+json"]
