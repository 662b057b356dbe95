"""Personal data in what people type: found and replaced, so that others read the text without it. Pure.

Found are 18-digit ids whose check digit is right (GB 11643, ISO 7064 MOD 11-2), mobile numbers of the mainland, fixed
lines with their area code or behind a word for telephone, and number plates: in digits of any script, Chinese ones
included, with dots, blanks, dashes, slashes, underscores, line ends or characters nobody sees between them; a mobile
number in its usual groups with commas, brackets and the like, too. Ordinary numbers stay, and so does what reads as a
day of the calendar.
"""

import re
import unicodedata
from collections.abc import Callable

ID_MARK, PHONE_MARK, LINE_MARK, PLATE_MARK = "〔证件号〕", "〔手机号〕", "〔电话号码〕", "〔车牌号〕"

# Stands in for a text that nobody has let pass yet, when another citizen reads.
WITHHELD = "内容审核中，暂不显示。"

# Where the plate is what the report is about: vehicles abandoned, parked wrongly, touting, or blocking a fire lane.
_ABOUT_VEHICLES = frozenset({"E0107", "E0505", "E0506", "E0509", "X0101"})
_GAP = r"[ .\-/_]{0,3}"
_ID = re.compile(rf"(?<![0-9])[0-9](?:{_GAP}[0-9]){{16}}{_GAP}[0-9Xx](?![0-9])")
# In groups of three, four and four a number is one whatever stands between; elsewhere commas part what is counted up.
_APART = r"[ .\-/_,:;、|~*+()]{1,3}"
_PHONE = re.compile(
    rf"(?<![0-9])(?:\+?(?:00)?8{_GAP}6{_GAP}|0{_GAP})?"
    rf"1(?:{_GAP}[3-9](?:{_GAP}[0-9]){{9}}|[3-9][0-9]{_APART}[0-9]{{4}}{_APART}[0-9]{{4}})(?![0-9])"
)
_SHORT_AREA, _LONG_AREA = r"(?:010|02[0-9])", r"0[3-9][0-9]{2}"
_LINE = re.compile(
    rf"(?<![0-9])(?:(?:\({_SHORT_AREA}\)|{_SHORT_AREA}){_GAP}[2-8](?:{_GAP}[0-9]){{7}}"
    rf"|(?:\({_LONG_AREA}\)|{_LONG_AREA}){_GAP}[2-8](?:{_GAP}[0-9]){{6,7}}"
    rf"|(?<=电话|座机|固话|致电|拨打)[:是为 ]{{0,3}}[2-8](?:{_GAP}[0-9]){{6,7}})(?![0-9])"
)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Za-hj-np-z][ ·•.-]?"
    r"(?:[A-HJ-NP-Za-hj-np-z0-9]{5,6}|[A-HJ-NP-Za-hj-np-z0-9]{4}[挂学警港澳])(?![A-Za-z0-9])"
)
# A date in the middle of what could be a number, and one that its first digits end. A day there is, so that no number
# with gaps in odd places passes for one.
_YEAR, _MONTH, _DAY = "(?:19|20)[0-9]{2}", "(?:0?[1-9]|1[0-2])", "(?:0?[1-9]|[12][0-9]|3[01])"
_DATE = re.compile(rf"(?<![0-9]){_YEAR}([./-]){_MONTH}\1{_DAY}(?![0-9])")
_DATE_BEFORE = re.compile(rf"(?<![0-9]){_YEAR}([./-]){_MONTH}\1$")
_CHINESE = dict(zip("〇零○一二三四五六七八九壹贰叁肆伍陆柒捌玖幺", "0001234567891234567891", strict=True))
_DIGITS, _CHINESE_DIGITS = re.compile(r"\d"), re.compile(f"[{''.join(_CHINESE)}]")
# A fixed line without its area code; most texts have fewer digits and are done in no time.
_FEWEST_DIGITS = 7
_MOST_KEPT = 8192
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_BLANKS, _DOTS = "\t\n\r", "·•。．‧∙・"
_STANDS = dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d", "-") | dict.fromkeys(_DOTS, ".")
_UNSEEN, _SPACES = frozenset({"Cf", "Mn", "Me"}), frozenset({"Zs", "Zl", "Zp"})


def masked(text: str, category_code: str | None = None) -> str:
    """The text with each piece of personal data replaced by what it was; text without any comes back as it is.

    Args:
        text: what somebody typed.
        category_code: class of the report; plates stay where they are what it is about.
    """
    digits = len(_DIGITS.findall(text.translate(_PLAINLY)))
    if digits >= _FEWEST_DIGITS:
        text = _without_numbers(text, _PLAINLY)
    if digits and category_code not in _ABOUT_VEHICLES:
        text = _replaced(text, _PLATE, PLATE_MARK, _BUT_DOTS, _has_digit)
    chinese = len(_CHINESE_DIGITS.findall(text))
    if chinese and chinese + digits >= _FEWEST_DIGITS:
        text = _without_numbers(text, _WITH_CHINESE)
    return text


def masked_if_any(note: str | None, category_code: str) -> str | None:
    """As `masked`, for a text that may not be there."""
    return masked(note, category_code) if note else note


def check_digit(first17: str) -> str:
    """The 18th character of an id, from the 17 digits before it."""
    return _CHECK_DIGITS[sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True)) % 11]


def _without_numbers(text: str, table: "_Table") -> str:
    text = _replaced(text, _ID, ID_MARK, table, _is_id)
    text = _replaced(text, _PHONE, PHONE_MARK, table, _is_no_date)
    return _replaced(text, _LINE, LINE_MARK, table, _is_no_date)


def _is_id(match: re.Match[str]) -> bool:
    digits = re.sub(r"[^0-9Xx]", "", match.group())
    return check_digit(digits[:17]) == digits[17].upper()


def _is_no_date(match: re.Match[str]) -> bool:
    """Days, times and prices beside one another add up to as many digits."""
    before = match.string[max(0, match.start() - 8) : match.start()]
    return not _DATE.search(match.group()) and not _DATE_BEFORE.search(before)


def _has_digit(match: re.Match[str]) -> bool:
    """A plate has a digit; without one it is a word."""
    return any(character.isdigit() for character in match.group())


def _plain(character: str) -> str:
    """What stands for a character where numbers are sought: one character, or none for one that nobody sees."""
    if character.isascii():
        return " " if character in _BLANKS else character
    stands = _STANDS.get(character) or str(unicodedata.digit(character, ""))
    if stands:
        return stands
    kind = unicodedata.category(character)
    if kind in _UNSEEN or kind in _SPACES:
        return "" if kind in _UNSEEN else " "
    same = unicodedata.normalize("NFKC", character)
    return same if len(same) == 1 else character


def _plain_but_dots(character: str) -> str:
    return character if character in _DOTS else _plain(character)


def _plain_or_chinese(character: str) -> str:
    return _CHINESE.get(character) or _plain(character)


class _Table(dict[int, str]):
    """What stands for each character, for `str.translate`; kept for those in use, so that most texts take no time."""

    def __init__(self, plain: Callable[[str], str]) -> None:
        super().__init__()
        self._plain = plain

    def __missing__(self, code: int) -> str:
        stands = self._plain(chr(code))
        if len(self) < _MOST_KEPT:
            self[code] = stands
        return stands


_PLAINLY, _BUT_DOTS, _WITH_CHINESE = (_Table(plain) for plain in (_plain, _plain_but_dots, _plain_or_chinese))


def _replaced(
    text: str,
    pattern: re.Pattern[str],
    mark: str,
    table: "_Table",
    is_meant: Callable[[re.Match[str]], bool],
) -> str:
    """Search in plain characters, replace in the text as it was written."""
    if not pattern.search(text.translate(table)):  # most texts
        return text
    kept = [(place, stands) for place, character in enumerate(text) if (stands := table[ord(character)])]
    places = [*(place for place, _ in kept), len(text)]
    searched = "".join(stands for _, stands in kept)
    parts, copied, at = [], 0, 0
    while match := pattern.search(searched, at):
        if not is_meant(match):
            at = match.start() + 1
            continue
        parts += [text[copied : places[match.start()]], mark]
        at, copied = match.end(), places[match.end()]
    return "".join([*parts, text[copied:]])
