"""Every leaf of every request, replaced by what nobody should send: whatever it is, the answer is never a 5xx.

The seed moves with every run and stands in each failure; see tests/tries.py.
"""

import itertools
import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from config import Config
from tests import reporting, schooling
from tests.conftest import app_in_savepoint, random_key
from tests.contract.test_openapi import DOCUMENT, OPERATIONS
from tests.factories import People, Person
from tests.tries import SEED, tries
from wxapi.kernel.permissions import Role
from wxapi.platform import examples

# Of the values below, so many are tried on each leaf.
TRIED = tries(4)
UUID = "5f0c7a52-6b0e-4d0a-9f0b-0d6b6f6f3c11"

TEXTS = (
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "\udfff\ud800",
    "\uffff",
    "\ufdd0",
    "\U0010ffff",
    "\u202e",
    "\u200b",
    "\x1b[31m",
    "a\r\nb",
    "\t",
    "\u2028",
    "x" * 100_000,
    "💥" * 500,
    "１２３",
    "٣",
    "²",
    "' OR 1=1 --",
    "%",
    "\\",
    "\\u0000",
    "NaN",
    "-Infinity",
    "1e999",
    "9" * 400,
    "-1",
    "true",
    "null",
    "0000-00-00",
    "9999-12-31",
    "0001-01-01",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-02-30T25:61:61Z",
    "2026-11-23T02:00:00+99:99",
    UUID,
    UUID.replace("-", ""),
    "{" + UUID + "}",
    "WyJcdTAwMDAiXQ",
    "WyJhIiwiYiJd",
    "W1tbW1tbXV1dXV1d",
    "WzFlOTk5XQ",
    "../../etc/passwd",
    "${jndi:ldap://x}",
    "{{7*7}}",
)
OTHERS: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    -(2**63) - 1,
    10**400,
    0.1,
    1e308,
    -1e308,
    5e-324,
    float("nan"),
    float("inf"),
    [],
    {},
    [None],
    [[]],
    [{}],
    ["x"] * 2000,
    {"$ne": 1},
    {"": {"": {}}},
    {"\ud800": "\0"},
)
BODIES = (
    b"",
    b"\0",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"{",
    b'{"a":1,"a":2}',
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"[" * 100_000,
    b'{"a":' * 30_000,
    b"1" * 10_000,
    b"NaN",
)
IN_URLS = (*(text for text in TEXTS if len(text) < 5000), "x" * 5000)


def some(values: Sequence[Any], chance: random.Random, most: int) -> list[Any]:
    return chance.sample(values, min(most, len(values)))


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a body that can be replaced: values, and what holds them."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from leaves(each, (*path, name))


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    if not path:
        return by
    name, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[name] = replaced(value[name], tuple(rest), by)
    return copy


@pytest.fixture(scope="module")
def fuzzed(make_config: Callable[..., Config], fake_wechat: str) -> Iterator[tuple[Flask, Person, dict[str, str]]]:
    """An app with a city, somebody who may do everything, and one of each thing that a path can name."""
    with app_in_savepoint(make_config(wechat_base_url=fake_wechat)) as app:
        people = People(app)
        town = reporting.settle(people)
        everybody = people.make(*((role, "4210") for role in Role if role is not Role.UNIT_OFFICER))
        report = reporting.file_routed(town.reporter)
        session = everybody.post("/training/sessions", schooling.plan()).get_json()
        everybody.post(f"/training/sessions/{session['id']}/publish")
        yield app, everybody, {"report_id": report["id"], "session_id": session["id"], "code": reporting.VILLAGE}


def path_of(template: str, operation: dict[str, Any], things: dict[str, str], changes: dict[str, str]) -> str:
    for parameter in operation["path_parameters"]:
        value = changes.get(parameter, things.get(parameter, UUID))
        template = template.replace("{" + parameter + "}", quote(value, safe="", errors="surrogatepass"))
    return template


def query_of(parameters: list[dict[str, Any]], changes: dict[str, str]) -> str:
    """The required ones by example, and the changed one."""
    parts = []
    for parameter in parameters:
        name = parameter["name"]
        if name in changes:
            value = changes[name]
        elif parameter.get("required"):
            value = str(examples.example_of(parameter["schema"], DOCUMENT["components"]["schemas"], name))
        else:
            continue
        parts.append(f"{name}={quote(value, safe='', errors='surrogatepass')}")
    return "&".join(parts)


def requests_of(
    name: str, operation: dict[str, Any], things: dict[str, str], chance: random.Random
) -> Iterator[tuple[str, str, bytes | None, str]]:
    """Method, URL, body and content type of each try."""
    method, template = name.split(" ", 1)
    in_path = [each["name"] for each in DOCUMENT["paths"][template].get("parameters", []) if each["in"] == "path"]
    own = [each for each in operation.get("parameters", []) if "name" in each]
    in_path += [each["name"] for each in own if each["in"] == "path"]
    operation = {**operation, "path_parameters": in_path}
    in_query = [each for each in own if each["in"] == "query"]
    content = operation.get("requestBody", {}).get("content", {})
    example: Any = content.get("application/json", {}).get("example")
    body = None if example is None else json.dumps(example).encode()
    plain, query = path_of(template, operation, things, {}), query_of(in_query, {})
    for parameter, value in itertools.product(in_path, some(IN_URLS[1:], chance, TRIED)):
        url = path_of(template, operation, things, {parameter: value})
        yield method, f"{url}?{query}", body, "application/json"
    for each, value in itertools.product(in_query, some(IN_URLS, chance, TRIED)):
        yield method, f"{plain}?{query_of(in_query, {each['name']: value})}", body, "application/json"
    for changed in changed_bodies(example, chance):
        yield method, f"{plain}?{query}", changed, "application/json"
    if method in {"POST", "PUT"}:
        for raw in BODIES:
            other = chance.choice(["application/json; charset=latin-1", "text/plain", ""])
            for kind in ("application/json", other, "multipart/form-data; boundary=b"):
                yield method, f"{plain}?{query}", raw, kind


def changed_bodies(example: Any, chance: random.Random) -> Iterator[bytes]:
    """The example with one leaf replaced, each in turn."""
    if example is None:
        return
    for leaf in leaves(example):
        for value in (*some(TEXTS, chance, TRIED // 2), *some(OTHERS, chance, TRIED // 2), nested(500)):
            yield json.dumps(replaced(example, leaf, value)).encode()
    yield json.dumps({**example, "\0\ud800": 1}).encode()


# These would be granted, and leave nobody to ask on.
LAST = {"DELETE /api/v1/me", "POST /api/v1/auth/logout"}


@pytest.mark.parametrize("name", [name for name, _ in OPERATIONS if name not in LAST])
def test_no_input_gets_a_5xx(fuzzed: tuple[Flask, Person, dict[str, str]], name: str) -> None:
    app, person, things = fuzzed
    client = app.test_client()
    chance = random.Random(f"{SEED} {name}")
    answered = set()
    for method, url, body, kind in requests_of(name, dict(OPERATIONS)[name], things, chance):
        headers = {"Authorization": f"Bearer {person.token}", "Idempotency-Key": random_key()}
        answer = client.open(url, method=method, data=body, content_type=kind, headers=headers)
        answered.add(answer.status_code)
        assert answer.status_code < 500, (
            f"WXAPI_FUZZ_SEED={SEED}: {method} {url[:300]} {kind} {body[:600] if body else b''!r}: "
            f"{answer.status_code} {answer.get_data(as_text=True)[:300]}"
        )
        if answer.status_code >= 400:
            assert answer.content_type == "application/problem+json", url
    # The token lived to the end: it was the input that was judged.
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {person.token}"}).status_code == 200
