"""An answer is the JSON that Python writes, whoever writes it."""

import json
from collections import namedtuple
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.platform.wire import dumps

Pair = namedtuple("Pair", "first second")  # noqa: PYI024 - its kind is what is tried, not its types


class Word(StrEnum):
    RED = "red"


PLAIN = st.none() | st.booleans() | st.integers() | st.text() | st.floats(-1e15, 1e15)
KEYS = st.text() | st.integers()
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))


@given(VALUES)
def test_it_reads_as_what_python_writes(value: Any) -> None:
    assert json.loads(dumps(value)) == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"签到": Word.RED, "at": [1, 2.5, None]}, '{"签到":"red","at":[1,2.5,null]}'.encode()),
        ("\ud800签", '"\\ud800签"'.encode()),
        ({1: 2**70}, b'{"1":1180591620717411303424}'),
        (Pair(1, "b"), b'[1,"b"]'),
        (112.2480871, b"112.2480871"),
    ],
)
def test_it_is_written_so(value: Any, written: bytes) -> None:
    assert dumps(value) == written


def test_who_forgot_to_write_a_date_hears_of_it() -> None:
    with pytest.raises(TypeError):
        dumps({"at": datetime(2026, 1, 1, tzinfo=UTC)})
