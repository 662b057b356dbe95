"""The OpenAPI document is true: what it says is what the API does, whatever is thrown at it."""

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from config import Config, Env, NamedKey, Secret
from tests.contract.test_house import PUBLIC, ROOT
from wxapi.app import create_app
from wxapi.reports.rules import workflow
from wxapi.reports.wire.schemas import ActionBody

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


# Texts that are no code of a set that the document could name, by the name of the field.
FREE = {
    # What people read or write.
    "name", "full_name", "title", "detail", "nickname", "post", "note", "decision_note", "reason", "description", "address", "body",
    "text", "label", "place", "region_name", "major_name", "sentence", "sentences", "unit_name", "what", "browser", "zh",
    "numerator", "denominator", "formula_zh", "source", "q",
    # Codes of regions, units and classes, which a city has; codes of WeChat, slips and screens, which are secrets.
    "code", "region_code", "region_codes", "parent_code", "successor_code", "grid_code", "category_code", "path",
    "lead_unit_code", "county", "region", "category", "class", "suffix", "scene", "short_code", "pass_code",
    "check_code", "ticket", "invitation", "access_token", "Encrypt",
    # Numbers, names and addresses of things.
    "id", "number", "key", "subject", "request_id", "template_id", "device_id", "endpoint", "phone_masked", "sha256",
    "version", "consent_version", "definitions_version", "next_cursor", "url", "thumb_url", "verify_url", "pdf_url",
    "qr_svg", "date", "quarter",
}  # fmt: skip
# Fields of other names that hold no code of a set either, each with its reason.
LOOSE = {
    "Problem.type": "always about:blank, which RFC 9457 leaves to be anything",
    "CategoryWire.kind": "a word of the city's own table",
    "ExportFilter.state": "one or several, separated by commas, of the kind that is exported",
    "ExportBody.columns": "columns of the kind that is exported, see the words of the refusal",
    "HallPosition.picked_by": "kept as the phone says it; nothing is decided by it",
}


def bare_texts() -> set[str]:
    """Every field, or list, of text that names neither its values nor their form."""
    told = {"enum", "const", "$ref", "allOf", "anyOf", "oneOf", "format", "pattern"}
    found = set()
    for name, body in DOCUMENT["components"]["schemas"].items():
        for member, whole in body.get("properties", {}).items():
            each = whole.get("items", {}) if "array" in whole.get("type", ()) else whole
            if "string" in each.get("type", ()) and not told & each.keys():
                found.add(f"{name}.{member}")
    return found


def test_whatever_is_a_code_of_a_set_names_its_values() -> None:
    bare = bare_texts()
    assert {each for each in bare if each.partition(".")[2] not in FREE} == LOOSE.keys()
    assert {each.partition(".")[2] for each in bare} >= FREE, "a name that nothing bears any more"


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_every_operation_says_what_it_does_and_who_may(name: str, operation: dict[str, Any]) -> None:
    assert operation["summary"], name
    assert operation["operationId"], name
    assert "security" in operation or operation["operationId"] in PUBLIC, name


def test_the_document_is_valid() -> None:
    import openapi_spec_validator  # slow to import, and one process of a run needs it

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


def enumerations(part: Any) -> Iterator[dict[str, Any]]:
    """All schemas that list their values, wherever they stand."""
    if isinstance(part, dict):
        if isinstance(part.get("enum"), list):
            yield part
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from enumerations(each)


def test_every_enumeration_says_of_which_type_it_is() -> None:
    found = list(enumerations({name: DOCUMENT[name] for name in ("paths", "components")}))
    assert len(found) > 200
    assert [each for each in found if "type" not in each] == []
    assert {"type": ["string", "null"], "enum": ["yellow", "red", None]} in found


def test_a_refusal_names_the_actions_of_the_document() -> None:
    refused = ActionBody().validate({"action": "fly", "version": 1})
    assert refused == {"action": [f"只能是：{', '.join(workflow.PUBLIC_ACTIONS)}。"]}
    assert ActionBody().validate({"action": "route", "version": 1}) == {}  # answered by the workflow: 403


def test_no_operation_answers_with_a_page() -> None:
    """What is said to browsers of a page is said by hooks that requests of the API do not pass."""
    assert "text/html" not in json.dumps(DOCUMENT)


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))
