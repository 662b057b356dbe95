"""Names that cannot be guessed or counted.

URLs carry UUIDv4 (UUIDv7 tells when a thing was made); people read report numbers.
"""

import os
import secrets
import uuid

# Crockford base32: no I, L, O or U, so that it survives being read out over a phone, and from paper.
BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NUMBER_LENGTH = 8
# Of a UUID's bits those that say nothing of how it was made, and the others as version 4 has them.
_VERSION_4 = 4 << 76 | 2 << 62
_RANDOM = ~(15 << 76 | 3 << 62)
_set = object.__setattr__
# Each sign stands for eight of the values of a byte, so that all are equally likely.
_SIGN_OF_BYTE = BASE32.encode() * 8


def new_id() -> uuid.UUID:
    """A random id for a row that is named in URLs: UUIDv4.

    Made as the library makes one of a number that it needs not look at; its own way looks seven times.
    """
    return _id_of_number(int.from_bytes(os.urandom(16)) & _RANDOM | _VERSION_4)


def id_of(text: str) -> uuid.UUID:
    """The id that a text is known to be, as 8-4-4-4-12 digits of base 16."""
    return _id_of_number(int(text.replace("-", ""), 16))


def _id_of_number(number: int) -> uuid.UUID:
    made = object.__new__(uuid.UUID)
    _set(made, "int", number)
    _set(made, "is_safe", uuid.SafeUUID.unknown)
    return made


def new_report_number(prefix: str) -> str:
    """The city's prefix, as `JZ-`, and 8 random characters (40 bits); a unique constraint catches the rare repeat."""
    return f"{prefix}-{new_code(_NUMBER_LENGTH)}"


def new_code(length: int) -> str:
    """So many random signs of base32, 5 bits each."""
    return secrets.token_bytes(length).translate(_SIGN_OF_BYTE).decode()


def base32(number: int, length: int) -> str:
    """A number in so many signs of base32."""
    return "".join(BASE32[number >> (5 * place) & 31] for place in reversed(range(length)))


def new_token() -> str:
    """256 random bits, URL-safe: an access token as the client holds it."""
    return secrets.token_urlsafe(32)
