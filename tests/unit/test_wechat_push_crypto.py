import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.platform.wechat.push_crypto import PushKeys, PushRefusedError, check_url, open_event, seal_event, sign

# The test vectors of the developer reference, cross-checked there with another implementation.
TOKEN = "gridWoodpecker2026"
AES_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
APPID = "wx0123456789abcdef"
TIMESTAMP, NONCE, RANDOM = "1790000000", "20261123", b"0123456789abcdef"
THEN = datetime.fromtimestamp(int(TIMESTAMP), UTC)
KEYS = PushKeys.from_settings(TOKEN, AES_KEY, APPID)

VECTORS = [
    (
        (
            '{"ToUserName":"gh_000000000001","FromUserName":"oSYSTEM","CreateTime":1790000000,"MsgType":"event",'
            '"Event":"wxa_media_check","appid":"wx0123456789abcdef","trace_id":"t-1","version":2,"detail":[],'
            '"errcode":0,"errmsg":"ok","result":{"suggest":"pass","label":100}}'
        ),
        (
            "4j/AuRx71kQlxVlzbpsMWCQtwlE/O8zuC9QBXZHDuhxO2AWeFpxbmJ8EY9tmGm0ntP2oUAI5UpXhq3vMKrenvpmFr1IW3JfvY5zJI4IV3FUT"
            "YQkf3c4SmvMmnaMiWBk+FMgrDQhCfXV+XDZQy9jfFXivJ4A7ebsK5wW5xAnLqHkOcAugyQHf2iXHewLjaWu/oE/lEl3pANhME72ea3xz57Gq"
            "11INuBFDGVE1AHA3Ox6E9knO0AbjdNi4Tn5GBIzJ3NmiCvyJ4nhNj0So5CL4ZyPme5jummgmt7AuB+IxE/iNT/Lx+F7OfkmgGGOBQjMKZkAD"
            "C24frkgzwVoIYWNDYZl8opwQ6/fsact3ySoYlPV09QxX4obsFfGf8hWpLi6N5bKMUcm+tw5hJgOq3Y6jjasgfkHiblX7c0tndmveiO8="
        ),
        "19304862e8388baae33d7e22668c9df044a555f6",
    ),
    (
        '{"pad":"edgexxxxxxxxxxxx"}',
        (
            "4j/AuRx71kQlxVlzbpsMWHGy8RpCpdW1IRmoce4K5AxYh0/LcZ+oH/WBh0dQtCt6rWoWsPZLIK3ZHOWXuOeBqEMB8YnV2Hejsla0XNye80F5"
            "iPS6AH+IY9wCS0/rqsZb"
        ),
        "c38fc9366c6e98ffc7dfee441a5eb12ac5e34ba5",
    ),
]


def open_it(encrypted: str, signature: str, *, keys: PushKeys = KEYS, now: datetime = THEN) -> bytes:
    return open_event(keys, msg_signature=signature, timestamp=TIMESTAMP, nonce=NONCE, encrypted=encrypted, now=now)


def seal_it(message: bytes, *, keys: PushKeys = KEYS) -> tuple[str, str]:
    return seal_event(keys, message, timestamp=TIMESTAMP, nonce=NONCE, random=RANDOM)


@pytest.mark.parametrize(("message", "encrypted", "signature"), VECTORS)
def test_the_vectors_open_and_seal(message: str, encrypted: str, signature: str) -> None:
    assert open_it(encrypted, signature) == message.encode()
    assert seal_it(message.encode()) == (encrypted, signature)
    json.loads(message)


def test_the_url_check() -> None:
    signature = "da0cce5337b02bb70c3e0bac6ab77411834b7325"
    assert sign(TOKEN, TIMESTAMP, NONCE) == signature
    check_url(KEYS, signature=signature, timestamp=TIMESTAMP, nonce=NONCE, now=THEN)
    with pytest.raises(PushRefusedError) as caught:
        check_url(KEYS, signature=signature, timestamp=TIMESTAMP, nonce="20261124", now=THEN)
    assert caught.value.reason == "signature"


def test_the_session_signature_vector() -> None:
    digest = hmac.new(b"o0q0otL8aEzpcZL/FT9WsQ==", b'{"foo":"bar"}', hashlib.sha256).hexdigest()
    assert digest == "654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432aa0b"


@given(st.binary(max_size=300), st.binary(min_size=16, max_size=16), st.text("0123456789", min_size=1, max_size=20))
def test_round_trip(message: bytes, random: bytes, nonce: str) -> None:
    encrypted, signature = seal_event(KEYS, message, timestamp=TIMESTAMP, nonce=nonce, random=random)
    opened = open_event(KEYS, msg_signature=signature, timestamp=TIMESTAMP, nonce=nonce, encrypted=encrypted, now=THEN)
    assert opened == message


def test_every_flipped_bit_is_refused() -> None:
    encrypted, signature = seal_it(b'{"Event":"x"}')
    texts = {"encrypted": encrypted, "signature": signature, "timestamp": TIMESTAMP, "nonce": NONCE}
    for name, text in texts.items():
        raw = text.encode()
        for bit in range(len(raw) * 8):
            flipped = bytearray(raw)
            flipped[bit // 8] ^= 1 << (bit % 8)
            given_texts = texts | {name: flipped.decode("latin-1")}
            with pytest.raises(PushRefusedError):
                open_event(
                    KEYS,
                    msg_signature=given_texts["signature"],
                    timestamp=given_texts["timestamp"],
                    nonce=given_texts["nonce"],
                    encrypted=given_texts["encrypted"],
                    now=THEN,
                )


@given(st.data())
def test_a_flipped_bit_of_the_ciphertext_under_a_right_signature_never_opens_as_another_app(
    data: st.DataObject,
) -> None:
    """Who knows the Token and not the key can sign, but what comes out is refused or the same appid's garbage."""
    encrypted, _ = seal_it(b'{"Event":"wxa_media_check"}')
    sealed = bytearray(base64.b64decode(encrypted))
    bit = data.draw(st.integers(len(sealed) * 8 - 32 * 8, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << (bit % 8)
    forged = base64.b64encode(bytes(sealed)).decode()
    with pytest.raises(PushRefusedError):
        open_it(forged, sign(TOKEN, TIMESTAMP, NONCE, forged))


@pytest.mark.parametrize(("offset", "good"), [(600, True), (-600, True), (601, False), (-601, False)])
def test_ten_minutes_of_clock_difference_are_allowed(offset: int, good: bool) -> None:
    encrypted, signature = seal_it(b"{}")
    now = THEN + timedelta(seconds=offset)
    if good:
        assert open_it(encrypted, signature, now=now) == b"{}"
    else:
        with pytest.raises(PushRefusedError):
            open_it(encrypted, signature, now=now)


@pytest.mark.parametrize("timestamp", ["", "-5", "1e9", "1790000000.5", "9" * 12, "17９0000000", " 1790000000"])
def test_a_timestamp_is_digits(timestamp: str) -> None:
    with pytest.raises(PushRefusedError):
        check_url(KEYS, signature=sign(TOKEN, timestamp, NONCE), timestamp=timestamp, nonce=NONCE, now=THEN)


def test_an_event_of_another_app_is_refused() -> None:
    other = PushKeys.from_settings(TOKEN, AES_KEY, "wxffffffffffffffff")
    encrypted, signature = seal_it(b"{}", keys=other)
    with pytest.raises(PushRefusedError) as caught:
        open_it(encrypted, signature)
    assert caught.value.reason == "appid"


@pytest.mark.parametrize("encrypted", ["", "AAAA", "not base64!", "é" * 44, "A" * 43 + "="])
def test_what_is_no_ciphertext_is_refused(encrypted: str) -> None:
    with pytest.raises(PushRefusedError):
        open_it(encrypted, sign(TOKEN, TIMESTAMP, NONCE, encrypted))


def test_a_signature_that_is_not_ascii_is_refused_and_not_an_error() -> None:
    encrypted, _ = seal_it(b"{}")
    with pytest.raises(PushRefusedError):
        open_it(encrypted, "签名")


@pytest.mark.parametrize(("token", "key"), [("", AES_KEY), (TOKEN, AES_KEY[:-1]), (TOKEN, AES_KEY[:-1] + "=")])
def test_settings_that_cannot_be_right(token: str, key: str) -> None:
    with pytest.raises(ValueError, match=r"Token|43"):
        PushKeys.from_settings(token, key, APPID)


def test_keys_do_not_show() -> None:
    assert TOKEN not in repr(KEYS)
    assert repr(KEYS) == f"PushKeys(appid={APPID!r})"
