"""What may stand in a text: nothing that cannot be stored, and something that can be seen."""

import sys
import unicodedata
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.kernel.text import TextError, clean_text, fits_in_url, is_shown, is_word

NONCHARACTERS = {chr(0xFDD0 + n) for n in range(32)} | {
    chr((plane << 16) + end) for plane in range(17) for end in (0xFFFE, 0xFFFF)
}
LINE_ENDS = {"\n", "\r", "\u2028", "\u2029"}


@cache
def every_character() -> tuple[list[str], str, str]:
    """What no text may hold, what each may, and formats with the ends of lines, which have rules of their own."""
    bad, good, others = [], [], []
    for character in map(chr, range(sys.maxunicode + 1)):
        kind = unicodedata.category(character)
        if kind == "Cf" or character in LINE_ENDS:
            others.append(character)
        else:
            (bad if kind in {"Cc", "Cs"} or character in NONCHARACTERS else good).append(character)
    return bad, "".join(good), "".join(others)


def is_taken(text: str, *, lines: bool = True) -> bool:
    try:
        clean_text(text, lines=lines)
    except TextError:
        return False
    return True


@pytest.mark.parametrize("lines", [True, False])
def test_every_control_surrogate_and_noncharacter_is_refused(lines: bool) -> None:
    bad, good, _ = every_character()
    for character in bad:
        assert not is_taken(f"前{character}后", lines=lines), hex(ord(character))
        assert not is_taken(f"前后{character}", lines=lines), hex(ord(character))
    # All in one text, which one of them would have refused: a million texts take seconds.
    assert is_taken(good, lines=lines), [hex(ord(c)) for c in good if not is_taken(f"前{c}后", lines=lines)]


def test_what_is_refused_in_an_address() -> None:
    bad, good, others = every_character()
    assert not any(map(fits_in_url, [*bad, "\r", "\n"]))
    fit = good + others.replace("\r", "").replace("\n", "")
    assert fits_in_url(fit), [hex(ord(c)) for c in fit if not fits_in_url(c)]


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n", "\u2028", "\u2029"])
def test_line_ends_become_one_kind_or_are_refused(end: str) -> None:
    assert clean_text(f"第一行{end}第二行", lines=True) == "第一行\n第二行"
    assert clean_text(f"第一行{end}", lines=True) == "第一行"
    for text in (f"第一行{end}第二行", f"第一行{end}"):
        with pytest.raises(TextError, match="不能换行"):
            clean_text(text, lines=False)


@pytest.mark.parametrize(
    "text", ["\u200b", "\u3164", "\ufeff", "\ufe0f", "\u00ad", "\u2800", "\u2063\u200d", "\u0301", " \u200b "]
)
def test_what_shows_nothing_is_no_text(text: str) -> None:
    with pytest.raises(TextError, match="可见"):
        clean_text(text, lines=True)


@pytest.mark.parametrize("text", ["", "  ", "\n", " \r\n", "\u3000"])
def test_empty_is_empty(text: str) -> None:
    assert clean_text(text, lines=True) == ""


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("张\u200b三", "张三"),
        ("\ufeff张三\u200e", "张三"),
        ("张\u3164三\u00ad", "张三"),
        ("张\u200d三", "张三"),
        ("张\ufe0f\ufe0f三", "张\ufe0f三"),
        ("\ufe0f张三", "张三"),
        # As a phone's contacts copy a number, and as messengers frame a name.
        ("电话\u202d138 0013 8000\u202c", "电话138 0013 8000"),
        ("\u2068张三\u2069", "张三"),
        ("张\u202e三", "张三"),
    ],
)
def test_unseen_characters_are_left_out(text: str, kept: str) -> None:
    assert clean_text(text, lines=False) == kept


@pytest.mark.parametrize(
    "text",
    [
        "👨‍👩‍👧‍👦",
        "❤️‍🔥",
        "👩🏽‍🚒",
        "🏳️‍🌈",
        "🙂‍↔️",
        "1️⃣",
        "☎️ 12345",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "葛\U000e0100城",
        "𠮷野",
        "Ünïcödé",
        "ئۇيغۇرچە",
        "\ue000",
    ],
)
def test_emoji_and_forms_of_characters_are_kept(text: str) -> None:
    assert clean_text(text, lines=False) == text


@given(st.text(), st.booleans())
def test_what_is_kept_is_fit_and_stays_as_it_is(text: str, lines: bool) -> None:
    try:
        kept = clean_text(text, lines=lines)
    except TextError:
        return
    kept.encode()
    assert not kept or any(map(is_shown, kept))
    assert all(unicodedata.category(c) != "Cc" or (lines and c == "\n") for c in kept)
    assert kept == kept.strip()
    assert clean_text(kept, lines=lines) == kept


@given(st.text(min_size=1))
def test_words_show_each_of_their_characters(text: str) -> None:
    if is_word(text):
        assert all(unicodedata.category(c)[0] != "C" for c in text)
        text.encode()
