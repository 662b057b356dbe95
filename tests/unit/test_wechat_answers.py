import json

import pytest

from wxapi.kernel.errors import (
    DomainError,
    ForbiddenError,
    InvalidError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
)
from wxapi.platform.wechat.answers import read_answer, read_picture, text_of
from wxapi.platform.wechat.codes import LOGIN_PATH, PHONE_PATH, QR_PATH, ErrorClass
from wxapi.platform.wechat.errors import CodeUsedError, WeChatError, login_error, phone_error

RID = "65a1b2c3-01234567-89abcdef"


@pytest.mark.parametrize(
    "body",
    [
        {"openid": "o1"},
        {"errcode": 0, "openid": "o1"},
        {"errcode": "0", "openid": "o1"},
        {"errcode": "0", "openid": "o1", "field_of_next_year": [1]},
    ],
)
def test_no_error_code_or_zero_is_success(body: dict[str, object]) -> None:
    assert read_answer("/p", json.dumps(body).encode())["openid"] == "o1"


def test_chinese_is_read_from_the_bytes() -> None:
    assert read_answer("/p", '{"name":"荆州区"}'.encode()) == {"name": "荆州区"}


@pytest.mark.parametrize("errcode", [43101, "43101"])
def test_an_error_carries_class_code_and_rid(errcode: int | str) -> None:
    content = json.dumps({"errcode": errcode, "errmsg": f"user refuse to accept the msg rid: {RID}"}).encode()
    with pytest.raises(WeChatError) as caught:
        read_answer("/p", content)
    assert (caught.value.error_class, caught.value.errcode, caught.value.rid) == (ErrorClass.USER, 43101, RID)
    assert not caught.value.maybe_done


def test_a_broken_template_field_is_named() -> None:
    content = json.dumps({"errcode": 47003, "errmsg": f"argument invalid! data.thing1.value invalid rid: {RID}"})
    with pytest.raises(WeChatError) as caught:
        read_answer("/p", content.encode())
    assert caught.value.field == "thing1"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b'"ok"',
        b'{"errcode":',
        b"\xff\xfe{",
        b'{"errcode":null}',
        b'{"errcode":"x"}',
        b'{"errcode":[]}',
        b'{"errcode":1e999}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer_counts_as_busy(content: bytes) -> None:
    with pytest.raises(WeChatError) as caught:
        read_answer("/p", content)
    assert caught.value.error_class is ErrorClass.BUSY
    assert caught.value.maybe_done


def test_an_errors_text_holds_nothing_of_the_errmsg() -> None:
    content = json.dumps({"errcode": 40003, "errmsg": f"invalid openid [oSECRET] rid: {RID}"}).encode()
    with pytest.raises(WeChatError) as caught:
        read_answer("/p", content)
    assert str(caught.value) == f"/p: user errcode=40003 rid={RID}"
    assert "oSECRET" not in repr(caught.value)


@pytest.mark.parametrize("picture", [b"\xff\xd8\xff\xe0rest", b"\x89PNG\r\n\x1a\nrest"])
def test_a_picture_is_known_by_its_first_bytes(picture: bytes) -> None:
    assert read_picture(QR_PATH, picture) == picture


def test_an_error_instead_of_a_picture() -> None:
    with pytest.raises(WeChatError) as caught:
        read_picture(QR_PATH, b' {"errcode":45009,"errmsg":"x"}')
    assert caught.value.error_class is ErrorClass.MINUTE


@pytest.mark.parametrize("content", [b"", b"GIF89a", b'{"errcode":0}', b"<html>"])
def test_neither_picture_nor_error_is_busy(content: bytes) -> None:
    with pytest.raises(WeChatError) as caught:
        read_picture(QR_PATH, content)
    assert caught.value.error_class is ErrorClass.BUSY


@pytest.mark.parametrize("answer", [{}, {"openid": ""}, {"openid": 7}, {"openid": "o" * 513}])
def test_an_answer_without_its_text_is_as_good_as_none(answer: dict[str, object]) -> None:
    with pytest.raises(WeChatError):
        text_of(answer, "/p", "openid")


@pytest.mark.parametrize(
    ("errcode", "error_class", "kind", "code"),
    [
        (40029, ErrorClass.CODE, UnauthenticatedError, "wx_code_invalid"),
        (40163, ErrorClass.CODE, CodeUsedError, "wx_code_invalid"),
        (40226, ErrorClass.USER, ForbiddenError, "login_refused"),
        (45011, ErrorClass.MINUTE, TooManyRequestsError, "too_many_requests"),
        (-1, ErrorClass.BUSY, UnavailableError, "wechat_unavailable"),
        (None, ErrorClass.BUSY, UnavailableError, "wechat_unavailable"),
        (40013, ErrorClass.CONFIG, UnavailableError, "wechat_unavailable"),
        (40125, ErrorClass.CONFIG, UnavailableError, "wechat_unavailable"),
    ],
)
def test_what_a_failed_login_tells(
    errcode: int | None, error_class: ErrorClass, kind: type[DomainError], code: str
) -> None:
    error = login_error(WeChatError(LOGIN_PATH, error_class, errcode=errcode))
    assert isinstance(error, kind)
    assert error.code == code
    if isinstance(error, TooManyRequestsError):
        assert error.retry_after == 60


@pytest.mark.parametrize(
    ("errcode", "error_class", "kind"),
    [
        (40029, ErrorClass.CODE, InvalidError),
        (40163, ErrorClass.CODE, InvalidError),
        (40003, ErrorClass.USER, InvalidError),
        (45011, ErrorClass.MINUTE, TooManyRequestsError),
        (-1, ErrorClass.BUSY, UnavailableError),
    ],
)
def test_a_dead_phone_code_does_not_log_out(errcode: int, error_class: ErrorClass, kind: type[DomainError]) -> None:
    assert isinstance(phone_error(WeChatError(PHONE_PATH, error_class, errcode=errcode)), kind)
