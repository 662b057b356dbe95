"""Digests that only who has the key can make."""

import hmac


class KeyedHash:
    """HMAC-SHA-256 under one key (RFC 2104).

    It is begun once: to look for the algorithm and to lay out the key takes longer than a digest.
    """

    def __init__(self, key: bytes) -> None:
        self._begun = hmac.new(key, digestmod="sha256")

    def of(self, message: bytes) -> bytes:
        """The message's digest, 32 bytes."""
        digest = self._begun.copy()
        digest.update(message)
        return digest.digest()
