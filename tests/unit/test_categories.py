"""The table of classes as it is shipped."""

import pytest

from wxapi.kernel.errors import InvalidError
from wxapi.reports.rules.categories import all_categories, category_to_file, category_to_show


def test_the_table_is_complete_and_sane() -> None:
    table = all_categories()
    assert len(table) == 100
    for code, entry in table.items():
        assert code == entry.code
        assert {"事件": "E", "部件": "C", "扩展": "X"}[entry.kind] == code[0]
        assert 0 < entry.respond_hours <= entry.resolve_hours
        assert entry.name
        assert entry.major_name
        assert entry.desk_level in {"village", "township", "county"}
    assert [code for code, entry in table.items() if entry.confidential] == ["X0201", "X0202", "X0203"]
    assert {entry.desk_level for entry in table.values() if entry.confidential} == {"township"}


def test_limits_come_from_the_table() -> None:
    burst_pipe = category_to_show("E0403")
    assert burst_pipe.urgent
    assert (burst_pipe.respond_hours, burst_pipe.resolve_hours) == (1, 4)
    assert burst_pipe.limits.urgent
    assert burst_pipe.limits.resolve.total_seconds() == 4 * 3600
    assert burst_pipe.family == "E04"


@pytest.mark.parametrize(
    ("code", "refusal", "word"),
    [
        ("X0901", "call_emergency", "110"),
        ("X0901", "call_emergency", "119"),
        ("X0901", "call_emergency", "120"),
        ("X0902", "private_matter", "谢谢"),
        ("X0903", "redirect_12388", "12388"),
        ("X0904", "redirect_12345", "12345"),
        ("E9999", "unknown_category", "类别"),
        ("", "unknown_category", "类别"),
    ],
)
def test_what_is_not_taken_is_told_where_to_turn(code: str, refusal: str, word: str) -> None:
    with pytest.raises(InvalidError) as raised:
        category_to_file(code)
    assert raised.value.code == refusal
    assert word in raised.value.detail


def test_every_other_class_is_taken() -> None:
    taken = [code for code in all_categories() if not code.startswith("X09")]
    assert [category_to_file(code).code for code in taken] == taken
