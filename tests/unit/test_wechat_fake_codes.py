"""Codes the fake has not made, such as DevTools' own: taken only where it was told to."""

import json

import pytest

from wxapi.demo.fake_wechat.exchange import Call, RefusedError
from wxapi.demo.fake_wechat.identity_apis import jscode2session
from wxapi.demo.fake_wechat.world import World


def openid_of(world: World, code: str) -> str:
    query = {"appid": "a", "secret": "s", "grant_type": "authorization_code", "js_code": code}
    answer = jscode2session(world, Call("/sns/jscode2session", query, b"", None))
    return str(json.loads(answer.content)["openid"])


def test_off_by_default() -> None:
    for code in ("0a1b2c", "dev:reporter-1"):
        with pytest.raises(RefusedError):
            openid_of(World("a", "s"), code)


def test_on_takes_them_as_somebody_named_after_them() -> None:
    world = World("a", "s", any_code="on")
    assert openid_of(world, "dev:reporter-1") == "reporter-1"
    assert openid_of(world, "0a1b2c") == openid_of(world, "0a1b2c")
    assert openid_of(world, "0a1b2c") != openid_of(world, "0a1b2d")
    with pytest.raises(RefusedError):
        openid_of(world, "")


def test_all_of_them_as_one_person() -> None:
    world = World("a", "s", any_code="reporter-2")
    assert openid_of(world, "0a1b2c") == openid_of(world, "0a1b2d") == "reporter-2"
    assert openid_of(world, "dev:worker-1") == "worker-1"
