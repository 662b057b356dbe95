"""The front finds what werkzeug finds, at the first path of a shape and at the next."""

import uuid
from typing import Any

import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, RoutingException, Rule

from tests.contract.test_openapi import API
from wxapi.platform.routes import Routes

RULES = sorted(API.url_map.iter_rules(), key=str)
# By converter; a string may look like an id, and what is no id may look like what stands for one.
VALUES = {
    "UUIDConverter": (
        lambda: str(uuid.uuid4()),
        lambda: str(uuid.uuid4()).upper(),
        lambda: "*",
        lambda: f"{uuid.uuid4()}\n",
    ),
    "UnicodeConverter": (lambda: "词", lambda: str(uuid.uuid4())),
    "PathConverter": (lambda: "a/b.js", lambda: f"a/{uuid.uuid4()}/b"),
    "IntegerConverter": (lambda: "7", lambda: "x"),
}


def paths(rule: Rule) -> list[str]:
    """Paths that the rule answers, and such as are nearly so."""
    made = [""]
    for is_dynamic, part in rule._trace:
        if part == "|":
            continue
        values = VALUES[type(rule._converters[part]).__name__] if is_dynamic else (lambda part=part: part,)
        made = [before + value() for before in made for value in values]
    return [*made, *(path + "/" for path in made), *(path.replace("/", "//", 1) for path in made)]


def by_werkzeug(method: str, path: str) -> tuple[Rule, dict[str, Any]] | None:
    try:
        return API.url_map.bind("").match(path, method, return_rule=True)  # type: ignore[return-value]
    except (HTTPException, RoutingException):
        return None


def of(found: tuple[Rule, dict[str, Any]] | None) -> Any:
    """In a form of which two are alike: rules of one path and other methods pass for equal."""
    return found and (id(found[0]), found[1])


def test_every_route_is_found_as_werkzeug_finds_it() -> None:
    routes, endpoints = Routes(API.url_map), set()
    for _ in range(2):  # other ids, and shapes that are known by now
        for rule in RULES:
            for path in paths(rule):
                for method in (*(rule.methods or ()), "TRACE", "get"):
                    found = routes.find(method, path)
                    assert of(found) == of(by_werkzeug(method, path)), (method, path)
                    endpoints.add(found and found[0].endpoint)
    assert endpoints == {None, *(rule.endpoint for rule in RULES)}
    assert 100 < len(routes._known) <= sum(len(rule.methods or ()) for rule in RULES)


@pytest.mark.parametrize("first", [True, False])
def test_an_id_is_named_by_its_place(first: bool) -> None:
    routes = Routes(Map([Rule("/<uuid:b>/x/<uuid:a>", endpoint="e", methods=["GET"])]))
    same, one, two = (uuid.uuid4() for _ in range(3))
    if first:
        routes.find("GET", f"/{same}/x/{same}")
    for _ in range(2):
        assert routes.find("GET", f"/{one}/x/{two}")[1] == {"b": one, "a": two}  # type: ignore[index]
