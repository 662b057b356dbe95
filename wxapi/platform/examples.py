"""Examples for the OpenAPI document: every body that has none by hand gets one made from its schema.

Values come from a field's name where the name says what it is, else from its type, so that a reader sees what a phone
would see. A field whose name means another thing than elsewhere brings its own: `metadata={"example": …}`. A contract
test holds every example against its schema.
"""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

_BY_NAME: Mapping[str, Any] = {
    "number": "JZ-7K3M9Q2X",
    "name": "江津西路社区居民委员会",
    "full_name": "荆州市沙市区立新街道江津西路社区居民委员会",
    "code": "421002006001",
    "region_code": "421002006001",
    "parent_code": "421002006",
    "category_code": "E0102",
    "nickname": "小李",
    "phone_masked": "138****5678",
    "label": "啄木鸟 27",
    "description": "路口垃圾箱满溢",
    "address": "立新街道…",
    "title": "党课开讲啦",
    "place": "社区三楼会议室",
    "note": "已清运，见照片",
    "detail": "一句话说明。",
    "longitude": 112.241274,
    "latitude": 30.318933,
    "accuracy": 12.0,
    "distance_m": 18.4,
    "distance_to_border_m": 35.2,
    "width": 1200,
    "height": 1600,
    "bytes": 182044,
    "expires_in": 2592000,
    "access_token": "q3J0pC0bV4m8o7bN2yXw5kGdT1sRzLhE9uAfYiQcWvM",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "next_cursor": None,
    "limit": 20,
}
# Null in the ordinary case: an example with all of them at once would be of nothing there is.
_USUALLY_NULL = frozenset({"rejection", "card", "merged_into", "closed_on", "successor_code"})
_BY_FORMAT: Mapping[str, Any] = {
    "uuid": "5f0c7a52-6b0e-4d0a-9f0b-0d6b6f6f3c11",
    "date-time": "2026-11-23T02:00:00.000Z",
    "date": "2026-11-23",
    "time": "10:00:00",
    "url": "https://example.cn/api/v1/files/photos/5f0c7a52/thumb.jpg?expires=1795410000&signature=…",
    "binary": "(bytes)",
}
_BY_TYPE: Mapping[str, Any] = {"integer": 1, "number": 1.0, "boolean": False, "string": "…", "null": None}


def complete(document: Json) -> None:
    """Give every JSON body of the document that has no example one of its schema."""
    schemas = document.get("components", {}).get("schemas", {})
    for path in document["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                for content in _contents(operation):
                    if "schema" in content and not {"example", "examples"} & content.keys():
                        content["example"] = example_of(content["schema"], schemas)


def example_of(schema: Json, schemas: Mapping[str, Json], name: str = "", depth: int = 0) -> Any:
    """One value that fits a JSON schema; optional members of deep nestings are left out."""
    if name in _USUALLY_NULL and _takes_null(schema):
        return None
    schema = _resolved(schema, schemas)
    for given in ("example", "const", "default"):
        if given in schema:
            return schema[given]
    if "enum" in schema:
        return schema["enum"][0]
    kind = _kind(schema)
    if kind == "object":
        return _object(schema, schemas, depth)
    if kind == "array":
        return [example_of(schema.get("items", {}), schemas, name, depth + 1)]
    return _plain(schema, kind, name)


def _takes_null(schema: Json) -> bool:
    choices = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return any("null" in each.get("type", ()) for each in choices)


def _object(schema: Json, schemas: Mapping[str, Json], depth: int) -> Json:
    required = set(schema.get("required", ()))
    return {
        name: example_of(member, schemas, name, depth + 1)
        for name, member in schema.get("properties", {}).items()
        if name in required or depth < 2
    }


def _plain(schema: Json, kind: str, name: str) -> Any:
    value = _BY_NAME.get(name, _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE.get(kind)))
    fits = {"integer": int, "number": int | float, "string": str, "boolean": bool}.get(kind)
    if fits is None or isinstance(value, fits):
        return value
    nullable = isinstance(schema.get("type"), list) and "null" in schema["type"]
    return None if value is None and nullable else _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE.get(kind))


def _kind(schema: Json) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    return str(kind)


def _resolved(schema: Json, schemas: Mapping[str, Json]) -> Json:
    """Follow references, and take the first real choice of several."""
    while True:
        if "$ref" in schema:
            schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
            continue
        choices = [each for word in ("anyOf", "oneOf", "allOf") for each in schema.get(word, ())]
        choices = [each for each in choices if each.get("type") != "null"]
        if not choices:
            return schema
        schema = choices[0]


def _contents(operation: Json) -> list[Json]:
    bodies = [operation.get("requestBody", {})]
    bodies += [each for status, each in operation.get("responses", {}).items() if str(status).startswith("2")]
    return [content for body in bodies for kind, content in body.get("content", {}).items() if "json" in kind]
