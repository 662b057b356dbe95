"""Personal data in what people type: found and replaced, so that others read the text without it. Pure.

Found are 18-digit ids whose check digit is right (GB 11643, ISO 7064 MOD 11-2), mobile numbers of the mainland, and
number plates, also with the gaps and full-width characters people write them with. Ordinary numbers stay.
"""

import re
from collections.abc import Callable

ID_MARK, PHONE_MARK, PLATE_MARK = "〔证件号〕", "〔手机号〕", "〔车牌号〕"

# Stands in for a text that nobody has let pass yet, when another citizen reads.
WITHHELD = "内容审核中，暂不显示。"

# Where the plate is what the report is about: vehicles abandoned, parked wrongly, touting, or blocking a fire lane.
_ABOUT_VEHICLES = frozenset({"E0107", "E0505", "E0506", "E0509", "X0101"})
_ID = re.compile(r"(?<![0-9])([0-9]{6})[ -]?([0-9]{8})[ -]?([0-9]{3}[0-9Xx])(?![0-9])")
_PHONE = re.compile(r"(?<![0-9])(?:\+?(?:00)?86[ -]?|0)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}(?![0-9])")
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Za-hj-np-z][ ·•.-]?"
    r"(?:[A-HJ-NP-Za-hj-np-z0-9]{5,6}|[A-HJ-NP-Za-hj-np-z0-9]{4}[挂学警港澳])(?![A-Za-z0-9])"
)
_DIGIT = re.compile("[0-9\uff10-\uff19]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
# Full-width digits, letters and marks, and the dashes and spaces in use, one character for one: places stay the same.
_PLAIN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | dict.fromkeys(
    map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), ord("-")
)
_PLAIN |= dict.fromkeys(map(ord, "\t\u00a0\u2002\u2003\u2009\u3000"), ord(" "))


def masked(text: str, category_code: str | None = None) -> str:
    """The text with each piece of personal data replaced by what it was; text without any comes back as it is.

    Args:
        text: what somebody typed.
        category_code: class of the report; plates stay where they are what it is about.
    """
    if not _DIGIT.search(text):  # most texts, in a hundredth of the time
        return text
    text = _replaced(text, _ID, ID_MARK, _is_id)
    text = _replaced(text, _PHONE, PHONE_MARK)
    if category_code in _ABOUT_VEHICLES:
        return text
    return _replaced(text, _PLATE, PLATE_MARK, _has_digit)


def masked_if_any(note: str | None, category_code: str) -> str | None:
    """As `masked`, for a text that may not be there."""
    return masked(note, category_code) if note else note


def check_digit(first17: str) -> str:
    """The 18th character of an id, from the 17 digits before it."""
    return _CHECK_DIGITS[sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True)) % 11]


def _is_id(match: re.Match[str]) -> bool:
    digits = "".join(match.groups())
    return check_digit(digits[:17]) == digits[17].upper()


def _has_digit(match: re.Match[str]) -> bool:
    """A plate has a digit; without one it is a word."""
    return any(character.isdigit() for character in match.group())


def _replaced(text: str, pattern: re.Pattern[str], mark: str, is_meant: Callable[[re.Match[str]], bool] = bool) -> str:
    """Search in plain characters, replace in the text as it was written."""
    parts, at = [], 0
    for match in pattern.finditer(text.translate(_PLAIN)):
        if is_meant(match):
            parts += [text[at : match.start()], mark]
            at = match.end()
    return "".join([*parts, text[at:]])
