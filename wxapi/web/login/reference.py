"""The API's reference, shaped from the OpenAPI document: operations by tag, narrowed by a search."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_METHODS = ("get", "post", "put", "delete")
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of the address, the query or the headers."""

    name: str
    place: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: examples are JSON, indented."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    public: bool
    roles: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    body: str | None
    answers: tuple[tuple[str, str, str | None], ...]
    # Status, what it means, and each of its codes with its sentence.
    refusals: tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """The calls of one tag."""

    name: str
    description: str
    operations: tuple[Operation, ...]


def sections_of(document: dict[str, Any], wanted: str) -> list[Section]:
    """The sections with what matches: all words of the search in method, path, summary or name."""
    needles = wanted.lower().split()
    told = {tag["name"]: str(tag.get("description", "")).split("\n")[0] for tag in document.get("tags", ())}
    found: dict[str, list[Operation]] = {}
    for tag, operation in _operations(document):
        text = f"{operation.method} {operation.path} {operation.summary} {operation.anchor} {told.get(tag, '')}".lower()
        if all(needle in text for needle in needles):
            found.setdefault(tag, []).append(operation)
    return [Section(tag, told.get(tag, ""), tuple(operations)) for tag, operations in found.items()]


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                operation, shared = item[method], item.get("parameters", ())
                yield (operation.get("tags") or ["other"])[0], _operation(path, method, operation, shared)


def _operation(path: str, method: str, operation: dict[str, Any], shared: Any) -> Operation:
    body = operation.get("requestBody", {}).get("content", {})
    return Operation(
        anchor=str(operation.get("operationId", f"{method}{path}")),
        method=method.upper(),
        path=path,
        summary=str(operation.get("summary", "")),
        description=str(operation.get("description", "")),
        public=not operation.get("security"),
        roles=tuple(operation.get("x-roles", ())),
        parameters=tuple(_parameter(each) for each in (*shared, *operation.get("parameters", ())) if "name" in each),
        body=_example(body),
        answers=tuple(
            (str(status), str(answer.get("description", "")), _example(answer.get("content", {})))
            for status, answer in operation.get("responses", {}).items()
        ),
        refusals=tuple(_refusals(operation.get("responses", {}))),
    )


def _refusals(answers: dict[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for status, answer in answers.items():
        if status.isdigit() and int(status) >= 400:
            meaning, _, codes = str(answer.get("description", "")).partition("\n\n")
            yield status, meaning, tuple(line.removeprefix("- ").replace("`", "") for line in codes.splitlines())


def _parameter(each: dict[str, Any]) -> Parameter:
    described = each.get("description") or each.get("schema", {}).get("description", "")
    return Parameter(each["name"], each.get("in", ""), bool(each.get("required")), str(described))


def _example(content: dict[str, Any]) -> str | None:
    media = content.get(_JSON, {})
    if "example" not in media:
        return None
    return json.dumps(media["example"], ensure_ascii=False, indent=2)
