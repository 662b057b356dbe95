"""The types of a subscribe message's fields, as WeChat checks them."""

import re
from typing import Any

_HAN = r"[\u3400-\u9fff\U00020000-\U000323af]"
_DAY = r"(?:\d{4}年\d{1,2}月\d{1,2}日|\d{4}-\d{2}-\d{2}|\d{4}/\d{1,2}/\d{1,2})"
_HOUR = r"\d{1,2}:\d{2}(?::\d{2})?"
_MOMENT = rf"(?:{_DAY}(?: ?{_HOUR})?|{_HOUR})"
_PLAIN_SIGN = r"[!-~]"

# Type → what its whole value must match.
_TYPES = {
    "thing": r"[^\x00-\x1f\x7f]{1,20}",
    "phrase": rf"{_HAN}{{1,5}}",
    "name": rf"(?:[{_HAN[1:-1]}·]{{1,10}}|[A-Za-z !-/:-@\[-`{{-~]{{1,20}})",
    "character_string": rf"{_PLAIN_SIGN}{{1,32}}",
    "number": r"(?=.{1,32}$)-?\d+(?:\.\d+)?",
    "letter": r"[A-Za-z]{1,32}",
    "symbol": r"[!-/:-@\[-`{-~]{1,5}",
    "time": rf"{_MOMENT}(?:~{_MOMENT})?",
    "date": rf"{_MOMENT}(?:~{_MOMENT})?",
    "amount": r"[¥¥$€£]?\d{1,10}(?:\.\d{1,2})?元?",
    "phone_number": r"[0-9+\- ]{1,17}",
    "car_number": rf"(?:{_HAN}|[A-Z0-9])[A-Z0-9]{{4,6}}(?:{_HAN}|[A-Z0-9])?",
}
_COMPILED = {name: re.compile(pattern) for name, pattern in _TYPES.items()}
_KEY = re.compile(r"([a-z_]+?)\d{1,3}", re.ASCII)


def broken_field(data: dict[str, Any]) -> str | None:
    """The name of the first field that breaks its type; None if all are right."""
    return next((key for key, field in data.items() if not _is_right(key, field)), None)


def _is_right(key: str, field: Any) -> bool:
    match = _KEY.fullmatch(key)
    pattern = _COMPILED.get(match.group(1)) if match else None
    value = field.get("value") if isinstance(field, dict) else None
    return pattern is not None and isinstance(value, str) and bool(pattern.fullmatch(value.strip()))
