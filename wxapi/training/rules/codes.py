"""Rotating sign-in codes: derived, never stored.

A code is an HMAC over the session and the 15 s step with the session's own secret, and it carries the step.
Any number of screens therefore show the same code by the server's clock, and opening one more page makes
nobody's code invalid. All comparisons take constant time.

    scanned   <session, 32 hex digits>-<step, 7>-<mac, 16>   what the QR picture holds
    short     <mac, 6>                                       typed by those who cannot scan; tries are limited
    pass      P<person, 26>-<mac, 16>                        a member's own code, for a steward who scans
    ticket    T<issued, 7><step, 7><nonce, 8><mac, 16>       a valid code, kept 10 minutes for one person

Digits are Crockford base32 (no I, L, O, U). A Chinese keyboard's full-width letters, lower case, blanks,
dashes, and O for 0 or I for 1 are put right before reading.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
import uuid
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from wxapi.kernel.ids import BASE32, base32, new_code

STEP_SECONDS = 15
# A code stays good while the next one is on the screen: time to type, or to send over a weak network.
GOOD_STEPS = 2
TICKET_LIFE = timedelta(minutes=10)
SECRET_BYTES = 32
SHORT_LENGTH = 6
# A short code so many steps old is still told from a wrong one: the person learns to look at the screen again.
OLD_STEPS = 32
# A longer text is cut before it is read.
MAX_CODE_LENGTH = 300
_LINKED = re.compile(r"[?&]code=([^&#]+)")

_VALUES = {character: value for value, character in enumerate(BASE32)}
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})
_NOISE = re.compile(r"[\s\-–—_]+")
_STEP_DIGITS, _MAC_DIGITS, _NONCE_DIGITS, _UUID_DIGITS = 7, 16, 8, 26
_SCANNED_LENGTH = 32 + _STEP_DIGITS + _MAC_DIGITS
_PASS_LENGTH = 1 + _UUID_DIGITS + _MAC_DIGITS
_TICKET_LENGTH = 1 + 2 * _STEP_DIGITS + _NONCE_DIGITS + _MAC_DIGITS
_SECOND_DIGITS = 7


class Scan(NamedTuple):
    """A genuine code of this session: the step it was on the screen, and whether it was typed by hand."""

    step: int
    typed: bool

    def is_fresh(self, now: datetime) -> bool:
        """Whether the code is on the screen now, or was one step before."""
        return 0 <= step_at(now) - self.step < GOOD_STEPS


class Ticket(NamedTuple):
    """A genuine ticket of this session and person: when it was issued, and the step of the code behind it."""

    issued_at: datetime
    step: int


def new_secret() -> bytes:
    """A session's own secret."""
    return secrets.token_bytes(SECRET_BYTES)


def step_at(at: datetime) -> int:
    """The number of the 15 s step an instant lies in, counted from 1970."""
    return int(at.timestamp()) // STEP_SECONDS


def step_start(step: int) -> datetime:
    """When a step begins."""
    return datetime.fromtimestamp(step * STEP_SECONDS, UTC)


def good_until(step: int) -> datetime:
    """When the code of a step stops being good: it outlives its step by one."""
    return step_start(step + GOOD_STEPS)


def scanned_code(session_id: uuid.UUID, secret: bytes, step: int) -> str:
    """The code the QR picture on the screen holds, in the alphanumeric mode of QR (57 characters)."""
    mac = _mac(secret, b"scan", session_id, step.to_bytes(8), digits=_MAC_DIGITS)
    return f"{session_id.hex.upper()}-{base32(step, _STEP_DIGITS)}-{mac}"


def short_code(session_id: uuid.UUID, secret: bytes, step: int) -> str:
    """The short code for people who cannot scan: 6 characters, 30 bits, all of them secret."""
    return _mac(secret, b"type", session_id, step.to_bytes(8), digits=SHORT_LENGTH)


def normalise(text: str) -> str:
    """What a person's keyboard or an honest slip made of a code, put right.

    The link that the hall's screen shows is taken for the code in it: a phone sends what it scanned.
    """
    return _normalised(text[:MAX_CODE_LENGTH])


@lru_cache(maxsize=1024)
def _normalised(text: str) -> str:
    """Kept: a hall sends one code."""
    linked = _LINKED.search(text)
    plain = unicodedata.normalize("NFKC", linked[1] if linked else text).upper()
    return _NOISE.sub("", plain).translate(_MISREAD)


def is_typed(text: str) -> bool:
    """Whether a text has the form of the short code, whose tries are limited."""
    return len(normalise(text)) == SHORT_LENGTH


def read_code(text: str, session_id: uuid.UUID, secret: bytes, *, now: datetime) -> Scan | None:
    """Read a scanned or a short code.

    Returns:
        the step it proves, fresh or long past; None when it is no code of this session, is cut, altered, or of
        a step still to come. A short code does not carry its step: it is known for the last 32 steps, 8 minutes.
    """
    code = normalise(text)
    if len(code) == SHORT_LENGTH:
        return _read_short(code, session_id, secret, now=now)
    if len(code) != _SCANNED_LENGTH:
        return None
    step = _step_of_scanned(code, session_id, secret)
    return None if step is None or step > step_at(now) else Scan(step, typed=False)


@lru_cache(maxsize=1024)
def _step_of_scanned(code: str, session_id: uuid.UUID, secret: bytes) -> int | None:
    """The step that a scanned code proves; None when its seal is wrong. Kept: a hall sends one code."""
    if not _VALUES.keys() >= set(code):
        return None
    step = _number(code[32 : 32 + _STEP_DIGITS])
    # The seal covers session and step, so that it alone decides; the session in front is for phones to read.
    expected = _mac(secret, b"scan", session_id, step.to_bytes(8), digits=_MAC_DIGITS)
    named = session_id.hex.upper() == code[:32]
    return step if hmac.compare_digest(code[-_MAC_DIGITS:], expected) and named else None


def _read_short(code: str, session_id: uuid.UUID, secret: bytes, *, now: datetime) -> Scan | None:
    if not _VALUES.keys() >= set(code):
        return None
    current = step_at(now)
    steps = range(current, max(current - OLD_STEPS, 0) - 1, -1)
    # All are compared, so that the time tells nothing of how old a code is.
    same = [step for step in steps if hmac.compare_digest(code, short_code(session_id, secret, step))]
    return Scan(same[0], typed=True) if same else None


def pass_code(session_id: uuid.UUID, secret: bytes, user_id: uuid.UUID) -> str:
    """A member's own code for one session, which a steward scans from the member's phone."""
    mac = _mac(secret, b"pass", session_id, user_id.bytes, digits=_MAC_DIGITS)
    return f"P{base32(user_id.int, _UUID_DIGITS)}-{mac}"


def read_pass(text: str, session_id: uuid.UUID, secret: bytes) -> uuid.UUID | None:
    """The person a pass code names; None when it is none of this session."""
    code = normalise(text)
    if len(code) != _PASS_LENGTH or code[0] != "P" or any(character not in _VALUES for character in code):
        return None
    number = _number(code[1 : 1 + _UUID_DIGITS])
    if number >> 128:
        return None
    user_id = uuid.UUID(int=number)
    expected = _NOISE.sub("", pass_code(session_id, secret, user_id))
    return user_id if hmac.compare_digest(code, expected) else None


def new_ticket(session_id: uuid.UUID, secret: bytes, user_id: uuid.UUID, step: int, *, now: datetime) -> str:
    """A ticket for one person, made from a code that was good at `now`.

    It needs no table: the seal binds it to session and person, and the roll's one row per person makes it
    single-use.
    """
    issued = base32(int(now.timestamp()), _SECOND_DIGITS)
    nonce = new_code(_NONCE_DIGITS)
    body = f"{issued}{base32(step, _STEP_DIGITS)}{nonce}"
    mac = _mac(secret, b"tick", session_id, user_id.bytes + body.encode(), digits=_MAC_DIGITS)
    return f"T{body}{mac}"


def read_ticket(text: str, session_id: uuid.UUID, secret: bytes, user_id: uuid.UUID) -> Ticket | None:
    """Read a ticket, of whatever age; None when it is not this person's for this session."""
    code = normalise(text)
    if len(code) != _TICKET_LENGTH or code[0] != "T" or any(character not in _VALUES for character in code):
        return None
    body, mac = code[1:-_MAC_DIGITS], code[-_MAC_DIGITS:]
    expected = _mac(secret, b"tick", session_id, user_id.bytes + body.encode(), digits=_MAC_DIGITS)
    if not hmac.compare_digest(mac, expected):
        return None
    issued_at = datetime.fromtimestamp(_number(body[:_SECOND_DIGITS]), UTC)
    return Ticket(issued_at, _number(body[_SECOND_DIGITS : _SECOND_DIGITS + _STEP_DIGITS]))


@lru_cache(maxsize=1024)
def _mac(secret: bytes, purpose: bytes, session_id: uuid.UUID, rest: bytes, *, digits: int) -> str:
    digest = hmac.digest(secret, purpose + session_id.bytes + rest, hashlib.sha256)
    return base32(int.from_bytes(digest[:10]) & ((1 << 5 * digits) - 1), digits)


def _number(text: str) -> int:
    number = 0
    for character in text:
        number = number << 5 | _VALUES[character]
    return number
