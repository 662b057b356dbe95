"""The envelope of WeChat's push events, safe mode: pure, bytes and texts only.

The scheme is WeChat's, not ours: SHA-1 over the sorted texts, AES-256-CBC under one fixed key and IV, PKCS7 with blocks
of 32. What protects an event is `msg_signature`, checked before anything is decrypted.
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from wxapi.kernel.errors import ForbiddenError

_CLOCK_TOLERANCE = timedelta(minutes=10)
_TIMESTAMP = re.compile(r"[0-9]{1,11}", re.ASCII)
_AES_KEY_TEXT = re.compile(r"[A-Za-z0-9]{43}", re.ASCII)
_PAD_BLOCK = 32
_AES_BLOCK = 16
_RANDOM_BYTES = 16
_LENGTH_BYTES = 4


class PushRefusedError(ForbiddenError):
    """Not from WeChat, not for us, or too old. `reason` is for the log and names no value."""

    def __init__(self, reason: str) -> None:
        super().__init__("push_refused", "推送消息校验未通过。")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PushKeys:
    """The push settings of one mini program: Token, the 32 bytes of EncodingAESKey, appid."""

    token: str = field(repr=False)
    aes_key: bytes = field(repr=False)
    appid: str

    @classmethod
    def from_settings(cls, token: str, encoding_aes_key: str, appid: str) -> "PushKeys":
        """Read the settings as they stand in WeChat's console.

        Raises:
            ValueError: EncodingAESKey is not 43 letters and digits, or Token is empty.
        """
        if not token:
            raise ValueError("the push Token is empty")
        if not _AES_KEY_TEXT.fullmatch(encoding_aes_key):
            raise ValueError("EncodingAESKey wants 43 letters and digits")
        return cls(token, base64.b64decode(encoding_aes_key + "="), appid)


def sign(*parts: str) -> str:
    """WeChat's signature: hex SHA-1 of the sorted texts, joined."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - the scheme is WeChat's


def check_url(keys: PushKeys, *, signature: str, timestamp: str, nonce: str, now: datetime) -> None:
    """Accept the GET by which WeChat checks the address.

    Raises:
        PushRefusedError: wrong signature, or older than ten minutes.
    """
    _check_signature(signature, sign(keys.token, timestamp, nonce))
    _check_time(timestamp, now)


def open_event(
    keys: PushKeys, *, msg_signature: str, timestamp: str, nonce: str, encrypted: str, now: datetime
) -> bytes:
    """The message inside a pushed event.

    Raises:
        PushRefusedError: forged, damaged, for another appid, or more than ten minutes off.
    """
    _check_signature(msg_signature, sign(keys.token, timestamp, nonce, encrypted))
    _check_time(timestamp, now)
    return _unpack(_unpad(_decrypt(keys.aes_key, encrypted)), keys.appid)


def seal_event(keys: PushKeys, message: bytes, *, timestamp: str, nonce: str, random: bytes) -> tuple[str, str]:
    """What WeChat sends for `message`: (Encrypt, msg_signature). `random` is 16 bytes."""
    plain = random + len(message).to_bytes(_LENGTH_BYTES, "big") + message + keys.appid.encode()
    pad = _PAD_BLOCK - len(plain) % _PAD_BLOCK
    encryptor = _cipher(keys.aes_key).encryptor()
    sealed = encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()
    encrypted = base64.b64encode(sealed).decode()
    return encrypted, sign(keys.token, timestamp, nonce, encrypted)


def _check_signature(given: str, right: str) -> None:
    if not hmac.compare_digest(given.encode(), right.encode()):
        raise PushRefusedError("signature")


def _check_time(timestamp: str, now: datetime) -> None:
    if not _TIMESTAMP.fullmatch(timestamp):
        raise PushRefusedError("timestamp")
    if abs(now.timestamp() - int(timestamp)) > _CLOCK_TOLERANCE.total_seconds():
        raise PushRefusedError("timestamp")


def _cipher(aes_key: bytes) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES(aes_key), modes.CBC(aes_key[:_AES_BLOCK]))


def _decrypt(aes_key: bytes, encrypted: str) -> bytes:
    try:
        sealed = base64.b64decode(encrypted, validate=True)
    except (ValueError, binascii.Error):
        sealed = b""
    if not sealed or len(sealed) % _PAD_BLOCK:
        raise PushRefusedError("ciphertext")
    decryptor = _cipher(aes_key).decryptor()
    return decryptor.update(sealed) + decryptor.finalize()


def _unpad(padded: bytes) -> bytes:
    pad = padded[-1]
    if not 1 <= pad <= _PAD_BLOCK or padded[-pad:] != bytes([pad]) * pad:
        raise PushRefusedError("padding")
    return padded[:-pad]


def _unpack(plain: bytes, appid: str) -> bytes:
    start = _RANDOM_BYTES + _LENGTH_BYTES
    end = start + int.from_bytes(plain[_RANDOM_BYTES:start], "big")
    if len(plain) < start or end > len(plain):
        raise PushRefusedError("length")
    if not hmac.compare_digest(plain[end:], appid.encode()):
        raise PushRefusedError("appid")
    return plain[start:end]
