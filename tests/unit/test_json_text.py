"""Encoders that are made once write what the library's do."""

import json

import pytest

from wxapi.kernel.json_text import encoder, from_database, to_json
from wxapi.reports.rules.state import ReportState

VALUES = [
    "路口",
    "\ud800\n",
    None,
    0.1,
    True,
    {"b": [1, {}], "a": ("字", [])},
    {1: ReportState.ROUTED, None: float("nan")},
]


@pytest.mark.parametrize("value", VALUES)
def test_a_kept_encoder_writes_what_the_library_writes(value):
    assert to_json(value) == json.dumps(value)
    settings = {"ensure_ascii": False, "separators": (",", ":")}
    assert encoder(**settings)(value) == json.dumps(value, **settings)
    with_other = [value, ReportState]
    assert encoder(default=str)(with_other) == json.dumps(with_other, default=str)


def test_a_kept_encoder_goes_on_after_a_value_it_cannot_write():
    by_name = encoder(sort_keys=True)
    value = {"b": [object()], "a": 1}
    with pytest.raises(TypeError):
        by_name(value)
    value["b"] = []
    assert by_name(value) == '{"a": 1, "b": []}'


@pytest.mark.parametrize("text", ['[1, {"字": [null, "\\n", 1.5e3]}, []]', '"路口"', "null", "-7"])
def test_json_of_the_database_is_read_as_the_library_reads_it(text):
    assert from_database(text.encode()) == json.loads(text)
