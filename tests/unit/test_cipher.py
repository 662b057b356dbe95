"""Sealed values open only whole, for their purpose, with a key that is still there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import NamedKey, Secret
from wxapi.platform.cipher import Cipher, SealError

OLD, NEW = NamedKey("2025", Secret(b"o" * 32)), NamedKey("2026", Secret(b"n" * 32))
LOOKUP = Secret(b"l" * 32)
CIPHER = Cipher((NEW, OLD), (LOOKUP,))


@given(st.text(max_size=200))
def test_what_is_sealed_opens(text: str) -> None:
    assert CIPHER.open(CIPHER.seal(text, purpose="p"), purpose="p") == text


@given(st.data())
def test_every_flipped_bit_is_refused(data: st.DataObject) -> None:
    sealed = bytearray(CIPHER.seal("13812345678", purpose="user.phone"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealError):
        CIPHER.open(bytes(sealed), purpose="user.phone")


def test_another_purpose_does_not_open() -> None:
    with pytest.raises(SealError):
        CIPHER.open(CIPHER.seal("x", purpose="user.phone"), purpose="user.openid")


def test_keys_rotate() -> None:
    before = Cipher((OLD,), (LOOKUP,)).seal("x", purpose="p")
    assert CIPHER.open(before, purpose="p") == "x"
    assert CIPHER.seal("x", purpose="p").startswith(b"2026\0")
    with pytest.raises(SealError):
        Cipher((NEW,), (LOOKUP,)).open(before, purpose="p")


@pytest.mark.parametrize("sealed", [b"", b"\0", b"2026", b"2026\0short", "键\0".encode() + b"x" * 40])
def test_rubbish_is_refused(sealed: bytes) -> None:
    with pytest.raises(SealError):
        CIPHER.open(sealed, purpose="p")


def test_digests_find_equal_texts_of_one_purpose() -> None:
    assert CIPHER.digest("a", purpose="p") == Cipher((OLD,), (LOOKUP,)).digest("a", purpose="p")
    assert CIPHER.digest("a", purpose="p") != CIPHER.digest("a", purpose="q")
    assert CIPHER.digest("a", purpose="p") != Cipher((OLD,), (Secret(b"x" * 32),)).digest("a", purpose="p")
