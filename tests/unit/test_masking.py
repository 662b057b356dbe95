"""No id, phone or plate survives masking, however it is written; ordinary text is left alone."""

import re
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from wxapi.reports.rules.masking import ID_MARK, LINE_MARK, PHONE_MARK, PLATE_MARK, check_digit, masked

GAPS = st.sampled_from(
    ["", " ", "-", "\u3000", "\uff0d", "\u2014", ".", "．", "·", "/", "_", "\n", "\u200b", " - ", "\ufeff"]
)
# Digits of other scripts, beside those everybody writes.
SCRIPTS = st.sampled_from(
    [
        "0123456789",
        "０１２３４５６７８９",
        "〇一二三四五六七八九",
        "零壹贰叁肆伍陆柒捌玖",
        "⓪①②③④⑤⑥⑦⑧⑨",
        "٠١٢٣٤٥٦٧٨٩",
        "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
    ]
)
# Neither digits nor letters next to it: those would make another number of it.
AROUND = st.text(st.sampled_from("路口垃圾箱,。电话:()请联系"), max_size=8)


@st.composite
def phones(draw: st.DrawFn) -> str:
    digits = draw(st.from_regex(r"\A1[3-9][0-9]{9}\Z"))
    gap = draw(GAPS)
    prefix = draw(st.sampled_from(["", "+86", "+86 ", "86-", "0086", "0"]))
    return full_width(draw, prefix + gap.join([digits[:3], digits[3:7], digits[7:]]))


@st.composite
def ids(draw: st.DrawFn) -> str:
    place, birth = draw(st.from_regex(r"\A[1-8][0-9]{5}\Z")), draw(st.dates()).strftime("%Y%m%d").rjust(8, "0")
    first17 = place + birth + draw(st.from_regex(r"\A[0-9]{3}\Z"))
    last = draw(st.sampled_from([str.upper, str.lower]))(check_digit(first17))
    gap = draw(GAPS)
    return full_width(draw, gap.join([first17[:6], first17[6:14], first17[14:] + last]))


@st.composite
def plates(draw: st.DrawFn) -> str:
    head = draw(st.sampled_from("鄂京沪粤湘")) + draw(st.sampled_from("ABDHabd"))
    tail = draw(st.from_regex(r"\A[0-9][A-HJ-NP-Z0-9]{4,5}\Z"))
    return full_width(draw, head + draw(st.sampled_from(["", "·", " ", "-"])) + tail)


@st.composite
def written_oddly(draw: st.DrawFn, numbers: st.SearchStrategy[str], *, dates: bool = True) -> str:
    """Any gap between any two of its digits, in digits of any script; without those that read as a date, if told so."""
    digits, script = draw(numbers), draw(SCRIPTS)
    gaps = ["", *(draw(GAPS) for _ in digits[1:])]
    assume(dates or not reads_as_a_date("".join(map("".join, zip(gaps, digits, strict=True)))))
    written = [script[int(digit)] if digit.isdecimal() else digit for digit in digits]
    return "".join(map("".join, zip(gaps, written, strict=True)))


PLAIN_PHONES = st.from_regex(r"\A1[3-9][0-9]{9}\Z")
PLAIN_IDS = st.from_regex(r"\A[1-8][0-9]{16}\Z").map(lambda first17: first17 + check_digit(first17))
LINES = st.from_regex(r"\A(0716|0713|027|010)-?[2-8][0-9]{6}\Z").map(
    lambda line: line + "5" if line.startswith(("027", "010")) else line
)


def reads_as_a_date(text: str) -> bool:
    """A day of a calendar stands in it: what may be a number, and is taken for a date."""
    plain = unicodedata.normalize("NFKC", text).translate(dict.fromkeys(map(ord, "\u200b\ufeff")))
    plain = plain.translate(dict.fromkeys(map(ord, "·."), ".") | {0x2014: "-"})
    found = re.findall(r"(?<!\d)(?:19|20)\d\d([./-])(\d\d?)\1(\d\d?)(?!\d)", plain)
    return any(1 <= int(month) <= 12 and 1 <= int(day) <= 31 for _, month, day in found)


def full_width(draw: st.DrawFn, text: str) -> str:
    if not draw(st.booleans()):
        return text
    return "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in text)


@given(before=AROUND, phone=phones(), after=AROUND)
def test_no_mobile_number_survives(before: str, phone: str, after: str) -> None:
    assert masked(before + phone + after) == before + PHONE_MARK + after


@given(before=AROUND, phone=written_oddly(PLAIN_PHONES, dates=False), after=AROUND)
@example(before="", phone="1900-0-00 0000", after="")
@example(before="", phone="1913.13.13 000", after="")
@example(before="", phone="1981/1/32 3456", after="")
def test_no_mobile_number_survives_in_other_digits_and_gaps(before: str, phone: str, after: str) -> None:
    assert masked(f"{before}请{phone}找{after}") == f"{before}请{PHONE_MARK}找{after}"


@pytest.mark.parametrize("between", ["，", "、", "：", "；", "|", "~", "*", " , ", "--"])
@pytest.mark.parametrize("digits", ["136 5555 6666", "１３６ ５５５５ ６６６６", "一三六 五五五五 六六六六"])
def test_a_mobile_number_in_groups_goes_whatever_stands_between(digits: str, between: str) -> None:
    assert masked(f"请打{digits.replace(' ', between)}找我") == f"请打{PHONE_MARK}找我"


def test_a_mobile_number_goes_with_its_brackets() -> None:
    assert masked("请打136（5555）6666找我，或136(5555)7777。") == f"请打{PHONE_MARK}找我，或{PHONE_MARK}。"


@given(before=AROUND, number=written_oddly(PLAIN_IDS), after=AROUND)
def test_no_id_survives_in_other_digits_and_gaps(before: str, number: str, after: str) -> None:
    assert masked(f"{before}请{number}找{after}") == f"{before}请{ID_MARK}找{after}"


@given(before=AROUND, line=LINES, after=AROUND)
def test_no_fixed_line_survives(before: str, line: str, after: str) -> None:
    assert masked(before + line + after) == before + LINE_MARK + after


@pytest.mark.parametrize("text", ["座机：8123456", "请致电 8123 456。", "电话81234567"])
def test_a_fixed_line_without_area_code_goes_behind_a_word_for_telephone(text: str) -> None:
    assert LINE_MARK in masked(text)
    assert not any(character.isdigit() for character in masked(text))


@given(before=AROUND, number=ids(), after=AROUND)
def test_no_id_survives(before: str, number: str, after: str) -> None:
    assert masked(before + number + after) == before + ID_MARK + after


@given(before=AROUND, plate=plates(), after=AROUND)
def test_no_plate_survives_where_it_is_not_the_matter(before: str, plate: str, after: str) -> None:
    assert masked(before + plate + after, "E0102") == before + PLATE_MARK + after
    assert masked(before + plate + after, "E0505") == before + plate + after


@given(parts=st.lists(phones() | ids() | plates(), max_size=4))
def test_all_of_several_go(parts: list[str]) -> None:
    text = masked(",".join(parts))
    assert [part in {ID_MARK, PHONE_MARK, PLATE_MARK} for part in text.split(",") if part] == [True] * len(parts)


@given(text=st.text(st.characters(exclude_categories=["Nd"])))
def test_text_without_digits_is_left_alone(text: str) -> None:
    assert masked(text) == text


@given(text=st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "路口垃圾箱满溢",
        "坐标 112.2239823, 30.328193",
        "单号楼1、3、5、7、9、11、13、15号",
        "门牌130，131，132，133号",
        "快递单号 138123456789012",  # longer than a mobile number
        "编号 420106199001011232 有误",  # 18 digits, wrong check digit
        "井盖编号 12345678901",  # no mobile number begins so
        "热线 12345，报警110",
        "江津西路126号",
        "2026-11-15 2026-11-20 每天",
        "2026-11-13 10.30-11.30 5次",
        "19 2026/11/23 8:00",
        "19:00至21:30，2026年11月26日",
        "1500元、2300元、180元",
        "门面15间，每间16800.50元",
        "第一三五七九单元，二四六八十栋",
        "一二三四五六七八九十条",
        "工单 20261123000145",
        "JZ-7K3M9Q2X",
        "2026-11-23 10:00 第 3 号楼 1102 室",
        "鄂A座一楼",
        "云ABCDEF",
    ],
)
def test_ordinary_numbers_stay(text: str) -> None:
    assert masked(text) == text


def test_the_check_digit_is_the_standards() -> None:
    assert check_digit("11010519491231002") == "X"  # the example of GB 11643
