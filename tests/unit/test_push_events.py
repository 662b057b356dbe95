from datetime import UTC, datetime

import pytest

from wxapi.notifications.rules.push_events import (
    PushAnswer,
    Sent,
    answers,
    happened_at,
    person,
    repeat_key,
    revoked,
    sent_messages,
)

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
POPUP = {"Event": "subscribe_msg_popup_event", "FromUserName": "o-1", "CreateTime": "1790000000"}


def item(status: str, template: str = "T") -> dict[str, str]:
    return {"TemplateId": template, "SubscribeStatusString": status, "PopupScene": "0"}


def test_a_list_is_an_object_for_one_and_an_array_for_several() -> None:
    assert answers(POPUP | {"List": item("accept")}) == [PushAnswer("T", accepted=True)]
    several = [item("accept", "A"), item("reject", "B"), item("acceptWithAudio", "C"), item("ban", "D")]
    assert [(one.template_id, one.accepted) for one in answers(POPUP | {"List": several})] == [
        ("A", True),
        ("B", False),
        ("C", True),
        ("D", False),
    ]


@pytest.mark.parametrize("found", [None, "x", 5, [], ["x", None]])
def test_a_list_that_is_none(found: object) -> None:
    assert answers(POPUP | {"List": found}) == []
    assert sent_messages({"List": found}) == []


def test_numbers_may_be_texts() -> None:
    assert sent_messages({"List": {"MsgID": 123, "ErrorCode": "0"}}) == [Sent("123", 0)]
    assert sent_messages({"List": {"MsgID": "123", "ErrorCode": 20001}}) == [Sent("123", 20001)]
    assert happened_at(POPUP, now=NOW) == datetime.fromtimestamp(1790000000, UTC)
    assert happened_at(POPUP | {"CreateTime": 1790000000}, now=NOW) == datetime.fromtimestamp(1790000000, UTC)


@pytest.mark.parametrize("told", [None, "", "soon", 0, -1, 99999999999999, 1e400])
def test_a_time_that_is_none_is_now(told: object) -> None:
    assert happened_at(POPUP | {"CreateTime": told}, now=NOW) == NOW


def test_repeats_are_known_by_the_right_key() -> None:
    sent = {"Event": "subscribe_msg_sent_event", "FromUserName": "o-1", "CreateTime": 1}
    again = sent | {"CreateTime": 2, "List": {"MsgID": "9"}}
    assert repeat_key(sent | {"List": {"MsgID": "9"}}) == repeat_key(again)
    assert repeat_key(sent | {"List": {"MsgID": "8"}}) != repeat_key(again)
    assert repeat_key(POPUP | {"MsgId": 1}) == repeat_key(POPUP | {"MsgId": 1, "x": 1})
    assert repeat_key(POPUP | {"MsgId": 1}) != repeat_key(POPUP | {"MsgId": 2})
    assert repeat_key(POPUP) == repeat_key(dict(reversed(POPUP.items())))
    assert repeat_key(POPUP) != repeat_key(POPUP | {"List": item("accept")})
    assert repeat_key({"Event": "a", "MsgId": 1}) != repeat_key({"Event": "b", "MsgId": 1})


def test_whom_it_is_about() -> None:
    assert person({"FromUserName": "o-1"}) == "o-1"
    assert person({"FromUserName": "oSYSTEM", "OpenID": "o-2"}) == "o-2"
    assert person({}) == ""


@pytest.mark.parametrize(
    ("told", "what"),
    [("8", ["phone"]), (8, ["phone"]), ("6", ["nickname"]), ("6,8,20", ["nickname", "phone"]), ("13", []), (None, [])],
)
def test_what_was_withdrawn(told: object, what: list[str]) -> None:
    assert revoked({"RevokeInfo": told}) == what
