"""JSON that hot paths write and read, by encoders and a decoder that are made once.

`json.dumps` and `JSONEncoder.encode` make the encoder in C anew for each value, in Python; for the few words that
audit and outbox keep, that takes longer than the writing.
"""

import json.encoder
from collections.abc import Callable
from typing import Any

# None where the interpreter has no encoder in C.
_make: Any = getattr(json.encoder, "c_make_encoder", None)


def encoder(
    *,
    ensure_ascii: bool = True,
    sort_keys: bool = False,
    separators: tuple[str, str] = (", ", ": "),
    default: Callable[[Any], Any] | None = None,
) -> Callable[[Any], str]:
    """What writes a value as `json.dumps` would with these settings; a value within itself raises RecursionError."""
    usual = json.JSONEncoder(ensure_ascii=ensure_ascii, sort_keys=sort_keys, separators=separators, default=default)
    if _make is None:
        return usual.encode
    text = json.encoder.encode_basestring_ascii if ensure_ascii else json.encoder.encode_basestring
    after_item, after_key = separators
    parts = _make(None, usual.default, text, None, after_key, after_item, sort_keys, False, True)
    join = "".join
    return lambda value: join(parts(value, 0))


to_json = encoder()
_read = json.JSONDecoder().raw_decode


def from_database(data: bytes) -> Any:
    """The value of JSON as PostgreSQL sends it: in UTF-8 and nothing around it, which `json.loads` would look for."""
    return _read(data.decode())[0]
