"""The fake's own reading of WeChat's field types, apart from the cutter it judges."""

import pytest

from wxapi.demo.fake_wechat.template_fields import broken_field

RIGHT = {
    "thing1": ["路口垃圾箱满溢", "a" * 20, "十九个字一二三四五六七八九十一二三四…"],
    "phrase1": ["已受理", "处理中了吗"],
    "name1": ["张三", "John Smith", "买买提·艾力"],
    "character_string1": ["JZ-0123ABCD", "A" * 32],
    "number1": ["5", "12.50", "-3"],
    "letter1": ["abc"],
    "symbol1": ["!?"],
    "time1": ["2026-11-23 15:01", "2026年11月23日 15:01", "15:01", "2026年11月23日 15:01~16:00"],
    "date1": ["2026-11-23", "2026年11月23日", "2026年11月23日~2026年11月24日"],
    "amount1": ["¥12.50", "100元"],
    "phone_number1": ["0716-12345678"],
    "car_number1": ["鄂D12345", "鄂D123456"],
}
WRONG = {
    "thing1": ["", "a" * 21, "两\n行", "\x07"],
    "phrase1": ["", "已受理abc", "六个字的短语", "5"],
    "name1": ["", "张三1", "一二三四五六七八九十一", "a" * 21],
    "character_string1": ["", "编号1", "A" * 33],
    "number1": ["", "五", "1" * 33, "1.2.3"],
    "letter1": ["", "abc1", "字"],
    "symbol1": ["", "abc", "!!!!!!"],
    "time1": ["", "明天", "2026-11-23T15:01:00Z"],
    "date1": ["", "11/23/26x"],
    "amount1": ["", "一百元", "¥12345678901"],
    "phone_number1": ["", "1" * 18, "电话"],
    "car_number1": ["", "鄂D123456789"],
    "unknown1": ["x"],
    "thing": ["x"],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, some in RIGHT.items() for value in some])
def test_right(key: str, value: str) -> None:
    assert broken_field({key: {"value": value}}) is None


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, some in WRONG.items() for value in some])
def test_wrong(key: str, value: str) -> None:
    assert broken_field({"thing9": {"value": "x"}, key: {"value": value}}) == key


@pytest.mark.parametrize("field", ["text", 5, None, {}, {"value": 5}, {"value": None}])
def test_a_field_is_an_object_with_a_text(field: object) -> None:
    assert broken_field({"thing1": field}) == "thing1"
