"""What becomes of a check after each answer, and how pushed verdicts are read."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.moderation.rules.checks import MOST_ASKS, TRIES_FOR, CheckState
from wxapi.moderation.rules.verdicts import Verdict, asks_again, retry_in, state_after, verdict_of
from wxapi.notifications.rules.push_events import CheckedMedia, checked_media, repeat_key
from wxapi.platform.wechat.codes import TEXT_CHECK_PATH, ErrorClass
from wxapi.platform.wechat.errors import WeChatError


def failed(error_class: ErrorClass, errcode: int | None = None) -> WeChatError:
    return WeChatError(TEXT_CHECK_PATH, error_class, errcode=errcode)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({"result": {"suggest": "pass", "label": 100}}, CheckState.PASS),
        ({"result": {"suggest": "review", "label": "10001"}}, CheckState.REVIEW),
        ({"result": {"suggest": "risky"}}, CheckState.RISKY),
        ({"result": {"suggest": "something new"}}, CheckState.MANUAL),
        ({"result": None}, CheckState.MANUAL),
        ({}, CheckState.MANUAL),
    ],
)
def test_only_the_word_pass_lets_pass(answer: dict[str, Any], state: CheckState) -> None:
    assert verdict_of(answer).state is state


@given(st.text(), st.integers(-(10**6), 10**6))
def test_nothing_else_passes(suggest: str, errcode: int) -> None:
    assert (Verdict(suggest, None, errcode).state is CheckState.PASS) == (suggest == "pass" and errcode == 0)


def test_what_may_mend_itself_is_repeated_for_an_hour() -> None:
    again = {
        each
        for each in ErrorClass
        if each is not ErrorClass.OK and retry_in(failed(each), tries=0, age=timedelta(0)) is not None
    }
    assert again == {
        ErrorClass.BUSY,
        ErrorClass.TOKEN,
        ErrorClass.MINUTE,
        ErrorClass.DAY,
        ErrorClass.CONFIG,
        ErrorClass.RIGHTS,
    }
    assert all(retry_in(failed(each), tries=0, age=TRIES_FOR) is None for each in again)


@given(st.integers(0, 10_000))
def test_waits_grow_and_stay_short(tries: int) -> None:
    waits = [retry_in(failed(ErrorClass.BUSY), tries=each, age=timedelta(0)) for each in (tries, tries + 1)]
    assert timedelta(0) < (waits[0] or timedelta(0)) <= (waits[1] or timedelta(0)) <= timedelta(minutes=5)


def test_the_old_refusal_of_content_is_risky() -> None:
    assert state_after(failed(ErrorClass.CONTENT, 87014)) is CheckState.RISKY
    assert state_after(failed(ErrorClass.USER, 61010)) is CheckState.MANUAL


def test_a_picture_is_handed_in_twice_at_most() -> None:
    unloadable = Verdict(None, None, -1008)
    assert asks_again(unloadable, MOST_ASKS - 1)
    assert not asks_again(unloadable, MOST_ASKS)
    assert not asks_again(Verdict("risky"), 1)


@pytest.mark.parametrize(
    ("event", "read"),
    [
        ({"result": {"suggest": "pass", "label": 100}, "errcode": 0}, ("pass", 100, 0)),
        ({"result": {"suggest": "risky", "label": "20002"}, "errcode": "0"}, ("risky", 20002, 0)),
        ({"errcode": -1008, "errmsg": "download media failed"}, (None, None, -1008)),
        ({"isrisky": 0, "status_code": 0}, ("pass", None, 0)),
        ({"isrisky": "1", "status_code": 0}, ("risky", None, 0)),
        ({"isrisky": 0, "status_code": 4294966288}, ("pass", None, 4294966288)),
        ({"isrisky": "?"}, ("risky", None, 0)),
    ],
)
def test_pushed_verdicts_of_both_forms(event: dict[str, Any], read: tuple[str | None, int | None, int]) -> None:
    assert checked_media({"trace_id": "t-1", **event}) == CheckedMedia("t-1", *read)


def test_repeats_of_a_verdict_are_known_by_its_trace() -> None:
    event = {"Event": "wxa_media_check", "trace_id": "t-1", "CreateTime": 1}
    assert repeat_key(event) == repeat_key(event | {"CreateTime": 2, "FromUserName": "other"})
    assert repeat_key(event) != repeat_key(event | {"trace_id": "t-2"})
