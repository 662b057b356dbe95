"""The cutter against the fake's own reading of WeChat's field types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.demo.fake_wechat.template_fields import broken_field
from wxapi.notifications.rules.template_fields import FieldError, fill, fit, is_known, type_of

TYPES = [
    "thing",
    "phrase",
    "name",
    "character_string",
    "number",
    "letter",
    "symbol",
    "time",
    "date",
    "amount",
    "phone_number",
    "car_number",
]
# What comes out for any text at all; the others refuse what is none of theirs.
ALWAYS = ["thing", "phrase", "name", "character_string"]


@pytest.mark.parametrize(
    ("key", "text", "fitted"),
    [
        ("thing1", "路口垃圾箱满溢", "路口垃圾箱满溢"),
        ("thing1", "一二三四五六七八九十一二三四五六七八九十一", "一二三四五六七八九十一二三四五六七八九…"),
        ("thing1", "两\n行\t字\x00", "两 行 字"),
        ("thing1", " \n ", "无"),
        ("phrase1", "已受理", "已受理"),
        ("phrase1", "处理中(挂账)", "处理中挂账"),
        ("phrase1", "OK", "已更新"),
        ("name1", "啄木鸟 27", "啄木鸟"),
        ("name1", "John Smith 3rd", "John Smith rd"),
        ("name1", "123", "匿名"),
        ("character_string1", "JZ-0123ABCD 编号", "JZ-0123ABCD"),
        ("character_string1", "编号", "-"),
        ("number1", "共 3 次", "3"),
        ("number1", "12.50", "12.50"),
        ("letter1", "A-1b", "Ab"),
        ("symbol1", "a!b?", "!?"),
        ("time3", "2026-11-23T02:00:00.000Z", "2026-11-23 10:00"),
        ("time3", "2026-11-23T18:30:00+00:00", "2026-11-24 02:30"),
        ("date3", "2026-11-23T18:30:00Z", "2026-11-24"),
        ("amount1", "12.5元", "¥12.5"),
        ("amount1", "¥100", "¥100"),
        ("phone_number1", "电话 0716-8123456", "0716-8123456"),
        ("car_number1", "鄂D·12345", "鄂D12345"),
        ("car_number1", "鄂d12345f", "鄂D12345F"),
    ],
)
def test_cutting(key: str, text: str, fitted: str) -> None:
    assert fit(key, text) == fitted
    assert broken_field({key: {"value": fitted}}) is None


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("number1", "三"),
        ("number1", "1" * 33),
        ("letter1", "字"),
        ("symbol1", "字"),
        ("time1", "明天"),
        ("time1", "2026-11-23T10:00:00"),
        ("date1", ""),
        ("amount1", "一百"),
        ("phone_number1", "无"),
        ("car_number1", "我的车"),
        ("const1", "已完成"),
        ("thing", "x"),
        ("thing1234", "x"),
    ],
)
def test_what_cannot_be_made_to_fit(key: str, text: str) -> None:
    with pytest.raises(FieldError):
        fit(key, text)


@given(st.sampled_from(TYPES), st.text(max_size=80))
def test_whatever_comes_out_is_taken(name: str, text: str) -> None:
    key = f"{name}1"
    try:
        fitted = fit(key, text)
    except FieldError:
        assert name not in ALWAYS
    else:
        assert broken_field({key: {"value": fitted}}) is None


@given(st.sampled_from(TYPES), st.text("0123456789.-+¥元年月日:TZ鄂ABz 路", max_size=40))
def test_whatever_comes_out_of_near_misses_is_taken(name: str, text: str) -> None:
    key = f"{name}1"
    try:
        fitted = fit(key, text)
    except FieldError:
        assert name not in ALWAYS
    else:
        assert broken_field({key: {"value": fitted}}) is None


def test_filling_a_template() -> None:
    data = fill({"thing1": "what", "phrase2": "state"}, {"what": "路灯不亮", "state": "已受理", "note": "多余"})
    assert data == {"thing1": {"value": "路灯不亮"}, "phrase2": {"value": "已受理"}}
    with pytest.raises(FieldError):
        fill({"time1": "due_at"}, {})


def test_keys() -> None:
    assert [type_of("thing1"), type_of("character_string12"), type_of("phone_number3"), type_of("x y1")] == [
        "thing",
        "character_string",
        "phone_number",
        "",
    ]
    assert all(is_known(f"{name}9") for name in TYPES)
    assert not is_known("const1")
