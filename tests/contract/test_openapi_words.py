"""Who reads the OpenAPI document reads Chinese: of every call, field, parameter, answer and header."""

import functools
import re
from collections.abc import Iterator
from typing import Any

from tests.contract.test_openapi import DOCUMENT, OPERATIONS
from wxapi.platform import descriptions
from wxapi.reports.rules import workflow

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def described() -> Iterator[tuple[str, str]]:
    """Whatever wants words, and the words it has."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        yield from ((f"{name}.{field}", told(member)) for field, member in schema.get("properties", {}).items())
    for path, item in DOCUMENT["paths"].items():
        yield from ((f"{path} {each['name']}", told(each)) for each in item.get("parameters", []))
    for name, operation in OPERATIONS:
        yield f"{name} summary", operation["summary"]
        yield f"{name} description", told(operation)
        yield from ((f"{name} {each['name']}", told(each)) for each in operation.get("parameters", []))
        yield from ((f"{name} {status}", told(each)) for status, each in operation["responses"].items())
    for group in ("headers", "responses"):
        yield from ((f"{group} {name}", told(each)) for name, each in DOCUMENT["components"][group].items())
    yield from ((f"tag {tag['name']}", told(tag)) for tag in DOCUMENT["tags"])


def told(part: dict[str, Any]) -> str:
    """Its description, or that of what it refers to."""
    if "$ref" in part and "description" not in part:
        _, *way = part["$ref"].split("/")
        part = functools.reduce(lambda place, name: place[name], way, DOCUMENT)
    return str(part.get("description", ""))


def test_everything_has_a_chinese_description() -> None:
    everything = list(described())
    assert len(everything) > 1500
    assert [name for name, words in everything if not CHINESE.search(words)] == []


def test_no_words_are_left_of_what_is_gone() -> None:
    assert descriptions.unused(DOCUMENT) == set()


def codes(operation: dict[str, Any], status: str) -> list[str]:
    schema = operation["responses"][status]["content"]["application/problem+json"]["schema"]
    found: list[str] = schema["allOf"][1]["properties"]["code"]["enum"]
    return found


def test_refusals_stand_at_each_call() -> None:
    by_id = {operation["operationId"]: operation for _, operation in OPERATIONS}
    filing = codes(by_id["reports.file_report"], "422")
    assert {"validation_failed", "redirect_12388", "photo_not_yours", "outside_service_area"} <= set(filing)
    assert codes(by_id["reports.file_report"], "400") == sorted(
        ["idempotency_key_invalid", "idempotency_key_required", "malformed_request", "not_json"]
    )
    acting = by_id["reports.act"]["responses"]["409"]["content"]["application/problem+json"]["schema"]["allOf"][1]
    assert acting["properties"]["reason"]["enum"] == [*workflow.reasons(), None]
    assert "reopen_too_late" in workflow.reasons()
    assert acting["properties"]["version"]["type"] == "integer"
    assert {"code_expired"} == set(codes(by_id["training.sign_in"], "410"))
    # What only a worker of the desk meets is no refusal of a list.
    assert "409" not in by_id["report_lists.list_reports"]["responses"]


def test_headers_and_second_answers_are_said() -> None:
    by_id = {operation["operationId"]: operation for _, operation in OPERATIONS}
    for name in ("training.enrol", "training.sign_in", "training.sign_out", "training.issue_certificate"):
        again = by_id[name]["responses"]
        assert again["200"]["content"] == again["201"]["content"] or {"200", "201"} <= set(again), name
        assert "Idempotency-Replayed" in again["200"]["headers"], name
    for name in ("training.live_counts", "duties.count_work", "exports.read_export", "vocabulary.read_vocabulary"):
        assert "ETag" in by_id[name]["responses"]["200"]["headers"], name
        assert any(each["name"] == "If-None-Match" for each in by_id[name]["parameters"]), name
    for name, operation in OPERATIONS:
        for status, answer in operation["responses"].items():
            if "$ref" not in answer:
                assert "X-Request-ID" in answer["headers"], name
                assert ("Retry-After" in answer["headers"]) == (status in {"429", "503"}), name


def test_the_example_of_a_report_is_of_a_report() -> None:
    by_id = {operation["operationId"]: operation for _, operation in OPERATIONS}
    report = by_id["reports.read_report"]["responses"]["200"]["content"]["application/json"]["example"]
    assert report["category"] == {"code": "E0102", "name": "暴露垃圾"}
    assert (report["card"], report["merged_into"]) == (None, None)
