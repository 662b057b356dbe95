"""What may stand in a text: characters that can be stored, sent and seen.

`clean_text` is for what a person typed, `is_word` for what a program made (codes, tokens, keys).
"""

import re
from unicodedata import category

# Of each plane the last two, and 32 in the middle of the first: Unicode promises that they never mean anything, and
# no XML holds them.
_NONCHARACTERS = r"\ufdd0-\ufdef" + "".join(f"\\U{plane:04x}fffe\\U{plane:04x}ffff" for plane in range(17))
# Controls and halves of characters.
_REFUSED = re.compile(rf"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff{_NONCHARACTERS}]")
# What a URL's path or query may not hold; both are one line.
_REFUSED_IN_URL = re.compile(rf"[\x00-\x1f\x7f-\x9f\ud800-\udfff{_NONCHARACTERS}]")
_LINE_END = re.compile(r"\r\n|[\r\u2028\u2029]")
_JOINER = "\u200d"
_BLACK_FLAG = "\U0001f3f4"
_SELECTORS = r"\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_TAGS = r"\U000e0020-\U000e007f"
_SELECTOR = re.compile(f"[{_SELECTORS}]")
_TAG = re.compile(f"[{_TAGS}]")
# Characters that show nothing. Joiners, selectors and tags among them have a meaning inside an emoji. What turns the
# direction of the text around it is among them: a phone's contacts copy a number between two such marks, which nobody
# sees or can delete, so they are left out like the others and not refused.
_UNSEEN = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    rf"\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff{_SELECTORS}]"
)
_BLANK_BRAILLE = "\u2800"
_SHOWN = frozenset("LNPS")
_SHOWN_OTHERS = frozenset({"Co", "Cn"})  # private use, and what a newer Unicode may have assigned


class TextError(ValueError):
    """A text that cannot be taken; `sentence` says why, in Chinese."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def clean_text(text: str, *, lines: bool) -> str:
    r"""The text as it is kept: line ends as `\n`, without characters that show nothing, trimmed.

    Args:
        text: what a person typed.
        lines: whether it may have more than one line.

    Raises:
        TextError: it holds a control character, half a character or a noncharacter, a line end where there is one line
            only, or nothing that can be seen. An empty text and one of white space are empty, not invisible.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    text = _LINE_END.sub("\n", text)
    if _REFUSED.search(text):
        raise TextError("不能包含控制字符或无效字符。")
    if not lines and "\n" in text:
        raise TextError("不能换行。")
    seen = _without_unseen(text).strip()
    if not any(map(is_shown, seen)) and text.strip():
        raise TextError("须包含可见的文字。")
    return seen


def is_word(text: str) -> bool:
    """Whether it holds nothing but characters that can be seen and plain blanks."""
    return text.isprintable()


def fits_in_url(text: str) -> bool:
    """Whether a path or a part of a query, decoded, can be looked up at all."""
    return (text.isascii() and text.isprintable()) or not _REFUSED_IN_URL.search(text)


def is_shown(character: str) -> bool:
    """Whether one sees something where the character stands."""
    kind = category(character)
    return (kind[0] in _SHOWN or kind in _SHOWN_OTHERS) and character != _BLANK_BRAILLE


def without_selectors(text: str) -> str:
    """The text without what chooses between forms of a character: for who has one form only."""
    return _SELECTOR.sub("", text)


def _without_unseen(text: str) -> str:
    if not _UNSEEN.search(text):
        return text
    kept: list[str] = []
    for place, character in enumerate(text):
        if not _UNSEEN.match(character) or _belongs(character, kept, text[place + 1 : place + 2]):
            kept.append(character)
    return "".join(kept)


def _belongs(character: str, before: list[str], after: str) -> bool:
    """Whether an unseen character changes what is seen: the form of a character, or emoji joined to one."""
    if not before:
        return False
    if _SELECTOR.match(character):
        return is_shown(before[-1])
    if _TAG.match(character):
        return before[-1] == _BLACK_FLAG or bool(_TAG.match(before[-1]))
    base = before[-2] if len(before) > 1 and _SELECTOR.match(before[-1]) else before[-1]
    return character == _JOINER and _is_pictorial(base) and _is_pictorial(after)


def _is_pictorial(character: str) -> bool:
    return bool(character) and category(character) in {"So", "Sk", "Sm"}
