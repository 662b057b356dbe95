"""Chinese words for the fields and parameters of the OpenAPI document, from `data/descriptions.toml` of each feature.

A field bears the words of its schema (a table of that name), else the description in the code, else the words of its
name: those of the feature whose schema it is, then those of the platform.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

Json = dict[str, Any]
_PACKAGE = Path(__file__).parents[1]
_NAME = "descriptions.toml"


@cache
def words_of(feature: str) -> Mapping[str, Mapping[str, str]]:
    """A feature's file by table; empty where it has none."""
    file = _PACKAGE / feature / "data" / _NAME
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def complete(document: Json, feature_of_schema: Mapping[str, str], feature_of_tag: Mapping[str, str]) -> None:
    """Describe every field and parameter in place.

    Args:
        document: the finished document.
        feature_of_schema: name of a schema → the feature that has it.
        feature_of_tag: tag of an operation → the feature that serves it.
    """
    for name, schema in document["components"]["schemas"].items():
        for field, member in schema.get("properties", {}).items():
            _describe(member, *_words_of_field(name, field, feature_of_schema.get(name) or _with_table(name)))
    for item in document["paths"].values():
        operations = [each for each in item.values() if isinstance(each, dict)]
        for operation in operations:
            for parameter in [*item.get("parameters", []), *operation.get("parameters", [])]:
                if "name" in parameter:
                    _describe(parameter, *_words_of_parameter(operation, parameter["name"], feature_of_tag))


def unused(document: Json) -> set[str]:
    """Words of schemas that are not there, or not with such a field, for the test that holds the files to the code."""
    schemas = document["components"]["schemas"]
    return {
        f"{file.parts[-3]}: {table}.{field}"
        for file in sorted(_PACKAGE.glob(f"*/data/{_NAME}"))
        for table, fields in words_of(file.parts[-3]).items()
        if table not in {"fields", "parameters"}
        for field in fields
        if field not in schemas.get(table, {}).get("properties", {})
    }


def _with_table(schema: str) -> str:
    """The feature whose file has words for a schema that is no class of its own."""
    files = _PACKAGE.glob(f"*/data/{_NAME}")
    return next((file.parts[-3] for file in sorted(files) if schema in words_of(file.parts[-3])), "platform")


def _describe(member: Json, own: str | None, general: str | None) -> None:
    """In this order: the words of this very field, what the code says beside it, the words of its name."""
    words = own or member.get("description") or general
    if words:
        member["description"] = words


def _words_of_field(schema: str, field: str, feature: str) -> tuple[str | None, str | None]:
    return (
        _first((feature, schema, field), ("platform", schema, field)),
        _first((feature, "fields", field), ("platform", "fields", field)),
    )


def _words_of_parameter(operation: Json, name: str, feature_of_tag: Mapping[str, str]) -> tuple[str | None, str | None]:
    feature = feature_of_tag.get(operation["tags"][0], "platform")
    own = f"{operation['operationId'].rpartition('.')[2]}.{name}"
    return (
        _first((feature, "parameters", own)),
        _first((feature, "parameters", name), ("platform", "parameters", name)),
    )


def _first(*places: tuple[str, str, str]) -> str | None:
    found = (words_of(feature).get(table, {}).get(name) for feature, table, name in places)
    return next((words for words in found if words), None)
