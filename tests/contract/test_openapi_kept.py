"""Whatever is thrown at an operation, the answer is as documented.

By its seed a run tries the bounds of the document at one half of the operations, and what schemathesis draws at the
other: to make them takes several times as long as to send them. `WXAPI_FUZZ_TIMES=2` tries both at all.
"""

from __future__ import annotations

from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings

from tests.contract.test_openapi import DOCUMENT, OPERATIONS
from tests.factories import People, Person
from tests.tries import SEED, TIMES, tries
from wxapi.app import LANES
from wxapi.kernel.permissions import Role

# Slow to import, and one process of a run needs it.
if TYPE_CHECKING:
    import schemathesis
    from schemathesis.generation.hypothesis.builder import HypothesisTestMode

MOST_CASES, EXAMPLES = tries(10), tries(4)


@cache
def whole() -> Any:
    """The document, as schemathesis reads it."""
    import schemathesis

    return schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture
def everybody(city: None, people: People) -> Person:
    """Somebody who may do every kind of thing, in the whole city."""
    return people.make(*((role, "4210") for role in Role if role is not Role.UNIT_OFFICER))


@pytest.mark.parametrize(("name", "operation_id"), [(name, each["operationId"]) for name, each in OPERATIONS])
def test_whatever_is_thrown_at_it_the_answer_is_as_documented(
    name: str, operation_id: str, app: Flask, everybody: Person
) -> None:
    from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, create_test
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    def holds(case: schemathesis.Case) -> None:
        response = case.call(app=app, headers={"Authorization": f"Bearer {everybody.token}"})
        # Nobody serves WeChat here; nothing else is away.
        waits_for_wechat = LANES.get(operation_id) == "wechat"
        assert response.status_code < 500 or (response.status_code == 503 and waits_for_wechat), (
            f"WXAPI_FUZZ_SEED={SEED}: {response.content!r}"
        )
        case.validate_response(
            response, checks=[status_code_conformance, content_type_conformance, response_schema_conformance]
        )
        if response.status_code >= 400:
            assert response.headers["content-type"] == ["application/problem+json"]

    # Here, not by `schema.parametrize()`: that makes all cases where the tests are listed, which each process does.
    method, _, path = name.partition(" ")
    test: Any = create_test(
        operation=whole()[path][method],
        test_func=holds,
        config=HypothesisTestConfig(project=whole().config, modes=_modes(operation_id), seed=int(SEED, 16)),
    )
    # What schemathesis finds at the bounds of a document are hundreds of cases for some: other ones each run.
    cases = getattr(test, "hypothesis_explicit_examples", [])
    test.hypothesis_explicit_examples = Random(SEED).sample(cases, min(len(cases), MOST_CASES))
    test()


def _modes(operation_id: str) -> list[HypothesisTestMode]:
    from schemathesis.generation.hypothesis.builder import HypothesisTestMode

    if TIMES > 1:
        return list(HypothesisTestMode)
    drawn = Random(SEED + operation_id).random() < 0.5
    return [HypothesisTestMode.FUZZING] if drawn else [HypothesisTestMode.EXAMPLES, HypothesisTestMode.COVERAGE]
