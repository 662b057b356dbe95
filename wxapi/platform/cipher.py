"""Sealing what the database must not show: AES-256-GCM with rotating keys, HMAC-SHA256 for look-ups.

A sealed value is `name ‖ 0x00 ‖ nonce(12) ‖ ciphertext+tag`; the purpose is authenticated with it, so that a value
moved into another column does not open.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from config import NamedKey, Secret
from wxapi.kernel.keyed_hash import KeyedHash

_NONCE = 12


class SealError(Exception):
    """A sealed value that does not open: altered, moved, or sealed with a key that is gone."""


class Cipher:
    """Seals, opens, and makes look-up digests.

    Args:
        keys: the first seals, all open.
        lookup: the first makes look-up digests, all find them.
        audit: those of the audit's digests, in the same way; empty: the look-up keys.
    """

    def __init__(
        self, keys: tuple[NamedKey, ...], lookup: tuple[Secret, ...], *, audit: tuple[Secret, ...] = ()
    ) -> None:
        self._first = keys[0].name
        self._aead = {key.name: AESGCM(key.key.value) for key in keys}
        self._lookup = tuple(KeyedHash(key.value) for key in lookup)
        self._audit = tuple(KeyedHash(key.value) for key in audit or lookup)

    @property
    def first(self) -> str:
        """The name of the key that seals."""
        return self._first

    def seal(self, text: str, *, purpose: str) -> bytes:
        """Seal a text for one purpose, such as `user.openid`."""
        nonce = os.urandom(_NONCE)
        sealed = self._aead[self._first].encrypt(nonce, text.encode(), purpose.encode())
        return self._first.encode() + b"\0" + nonce + sealed

    def open(self, sealed: bytes, *, purpose: str) -> str:
        """Open what `seal` made.

        Raises:
            SealError: altered, of another purpose, or the key is gone.
        """
        name, _, rest = sealed.partition(b"\0")
        aead = self._aead.get(name.decode("ascii", "replace"))
        if aead is None or len(rest) <= _NONCE:
            raise SealError(purpose)
        try:
            return aead.decrypt(rest[:_NONCE], rest[_NONCE:], purpose.encode()).decode()
        except InvalidTag as error:
            raise SealError(purpose) from error

    def digest(self, text: str, *, purpose: str) -> bytes:
        """A 32-byte keyed digest: equal texts of one purpose give equal digests."""
        return _digest(self._lookup[0], text, purpose)

    def digests(self, text: str, *, purpose: str) -> tuple[bytes, ...]:
        """What a text may be found by: its digest under each look-up key, that of `digest` first."""
        return tuple(_digest(key, text, purpose) for key in self._lookup)

    def audit_digests(self, text: str) -> tuple[bytes, ...]:
        """Digests of a text under each key of the audit; the first is written, all are believed."""
        return tuple([_digest(key, text, "audit.chain") for key in self._audit])


def _digest(key: KeyedHash, text: str, purpose: str) -> bytes:
    return key.of(purpose.encode() + b"\0" + text.encode())
