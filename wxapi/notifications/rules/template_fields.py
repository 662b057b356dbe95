"""Cutting texts to the types of a subscribe message's fields. Pure.

WeChat refuses a whole message (47003) for one field that breaks its type, and a field's key names its type: `thing1`,
`phrase2`. Lengths count code points. No value may be empty.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime

from wxapi.kernel.clock import SHANGHAI
from wxapi.notifications.rules.notices import cut

_KEY = re.compile(r"([a-z_]+?)[0-9]{1,3}", re.ASCII)
_HAN = r"\u3400-\u9fff\U00020000-\U000323af"
_NOT_HAN = re.compile(rf"[^{_HAN}]")
_NOT_HAN_NAME = re.compile(rf"[^{_HAN}·]")
_NOT_LATIN_NAME = re.compile(r"[^A-Za-z !-/:-@\[-`{-~]")
_NOT_PRINTED_ASCII = re.compile(r"[^!-~]")
_NOT_LETTER = re.compile(r"[^A-Za-z]")
_NOT_SYMBOL = re.compile(r"[^!-/:-@\[-`{-~]")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_AMOUNT = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,2})?", re.ASCII)
_YUAN_SIGNS = "\u00a5\uffe5"  # half and full width
_NOT_PHONE = re.compile(r"[^0-9+\- ]")
_CAR = re.compile(rf"[{_HAN}A-Z0-9][A-Z0-9]{{4,6}}[{_HAN}A-Z0-9]?")


class FieldError(ValueError):
    """A value that cannot be brought into the type of its field: the template is mapped wrongly."""


def fit(key: str, text: str) -> str:
    """The text as a field of this key takes it.

    Raises:
        FieldError: the type is unknown, or the text cannot be made one (a date, an amount, a number plate).
    """
    cutter = _CUTTERS.get(type_of(key))
    if cutter is None:
        raise FieldError(key)
    value = cutter(text)
    if not value:
        raise FieldError(key)
    return value


def fill(fields: Mapping[str, str], values: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The `data` of a message: template key → value name, value name → text.

    Raises:
        FieldError: a value is missing or does not fit.
    """
    return {key: {"value": fit(key, values.get(name, ""))} for key, name in fields.items()}


def type_of(key: str) -> str:
    """`thing` of `thing1`; empty for what is no key of a field."""
    match = _KEY.fullmatch(key)
    return match.group(1) if match else ""


def is_known(key: str) -> bool:
    """Whether a template with this key can be filled."""
    return type_of(key) in _CUTTERS


def _one_line(text: str) -> str:
    """Without line breaks, control and invisible characters."""
    visible = (" " if unicodedata.category(character)[0] in "CZ" else character for character in text)
    return " ".join("".join(visible).split())


def _thing(text: str) -> str:
    return cut(_one_line(text), 20) or "无"


def _phrase(text: str) -> str:
    return _NOT_HAN.sub("", text)[:5] or "已更新"


def _name(text: str) -> str:
    """Chinese names keep their first 10 characters, others 20; digits are not allowed in either."""
    return _NOT_HAN_NAME.sub("", text)[:10] or _NOT_LATIN_NAME.sub("", _one_line(text))[:20].strip() or "匿名"


def _character_string(text: str) -> str:
    return _NOT_PRINTED_ASCII.sub("", text)[:32] or "-"


def _number(text: str) -> str:
    match = _NUMBER.search(text)
    return match.group() if match and len(match.group()) <= 32 else ""


def _letter(text: str) -> str:
    return _NOT_LETTER.sub("", text)[:32]


def _symbol(text: str) -> str:
    return _NOT_SYMBOL.sub("", text)[:5]


def _time(text: str) -> str:
    moment = _moment(text)
    return moment.strftime("%Y-%m-%d %H:%M") if moment else ""


def _date(text: str) -> str:
    moment = _moment(text)
    return moment.strftime("%Y-%m-%d") if moment else ""


def _moment(text: str) -> datetime | None:
    """RFC 3339, shown in Shanghai's time; a text without an offset is no moment."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(SHANGHAI) if moment.tzinfo else None


def _amount(text: str) -> str:
    match = _AMOUNT.fullmatch(text.strip().lstrip(_YUAN_SIGNS).removesuffix("元"))
    return f"\u00a5{match.group()}" if match else ""


def _phone_number(text: str) -> str:
    return _NOT_PHONE.sub("", text)[:17].strip()


def _car_number(text: str) -> str:
    match = _CAR.fullmatch(text.strip().upper().replace("·", ""))
    return match.group() if match else ""


_CUTTERS: dict[str, Callable[[str], str]] = {
    "thing": _thing,
    "phrase": _phrase,
    "name": _name,
    "character_string": _character_string,
    "number": _number,
    "letter": _letter,
    "symbol": _symbol,
    "time": _time,
    "date": _date,
    "amount": _amount,
    "phone_number": _phone_number,
    "car_number": _car_number,
}
