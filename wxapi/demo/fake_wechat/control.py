"""The side for people and tests: what the phone and WeChat's console would do, and trouble on order.

Nothing here exists at the real WeChat. `GET /_fake` lists it.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from wxapi.demo.fake_wechat.access import TokenDesk
from wxapi.demo.fake_wechat.exchange import Answer, Call, json_answer
from wxapi.demo.fake_wechat.faults import read_fault
from wxapi.demo.fake_wechat.pusher import Trouble, push
from wxapi.demo.fake_wechat.world import LONG_TERM, Code, PushTarget, World
from wxapi.kernel.setting_texts import LARGEST_OFFSET_S
from wxapi.platform.wechat.push_crypto import PushKeys

FakeOrder = dict[str, Any]


def login(world: World, order: FakeOrder) -> Any:
    """`{"openid", "unionid"?}` → `{"code"}`, as wx.login gives it: one use, five minutes."""
    code = Code(_text(order, "openid"), world.now(), unionid=str(order.get("unionid", "")))
    with world.lock:
        return {"code": world.new_code(code)}


def phone(world: World, order: FakeOrder) -> Any:
    """`{"openid", "phone"}` → `{"code"}`, as the getPhoneNumber button gives it."""
    code = Code(_text(order, "openid"), world.now(), phone=_text(order, "phone"))
    with world.lock:
        return {"code": world.new_code(code)}


def grant(world: World, order: FakeOrder) -> Any:
    """`{"openid", "template_id", "count"?: 1, "long_term"?}`: the person taps accept, once per count."""
    key = (_text(order, "openid"), _text(order, "template_id"))
    with world.lock:
        present = world.grants.get(key, 0)
        forever = order.get("long_term") is True or present == LONG_TERM
        world.grants[key] = LONG_TERM if forever else present + int(order.get("count", 1))
        item = {"TemplateId": key[1], "SubscribeStatusString": "accept", "PopupScene": "0"}
        for tap in range(int(order.get("count", 1))):
            world.tell("subscribe_msg_popup_event", key[0], List=item, CreateTime=int(world.now()) - tap)
        return {"left": world.grants[key]}


def revoke(world: World, order: FakeOrder) -> Any:
    """`{"openid", "template_id"}`: the person switches the messages off in the settings."""
    key = (_text(order, "openid"), _text(order, "template_id"))
    with world.lock:
        world.grants[key] = 0
        item = {"TemplateId": key[1], "SubscribeStatusString": "reject"}
        world.tell("subscribe_msg_change_event", key[0], List=item)
        return {"left": 0}


def template(world: World, order: FakeOrder) -> Any:
    """`{"template_id", "keys": ["thing1", …]}`: a template with exactly these fields."""
    with world.lock:
        world.templates[_text(order, "template_id")] = tuple(str(key) for key in order.get("keys", ()))
        return {"templates": len(world.templates)}


def messages(world: World, order: FakeOrder) -> Any:
    """`?openid=` → what the person received, oldest first; without it, everything."""
    openid = order.get("openid")
    with world.lock:
        return {"items": [one for one in world.messages if openid in {None, one["touser"]}]}


def add_fault(world: World, order: FakeOrder) -> Any:
    """`{"path", "count"?, "openid"?, …}`: see `faults.Fault` for the kinds of trouble."""
    fault = read_fault(order)
    with world.lock:
        world.faults.append(fault)
        return asdict(fault)


def list_faults(world: World, _order: FakeOrder) -> Any:
    """What is on order."""
    with world.lock:
        return {"items": [asdict(fault) for fault in world.faults]}


def clear_faults(world: World, _order: FakeOrder) -> Any:
    """No more trouble."""
    with world.lock:
        world.faults.clear()
        return {}


def kill_token(world: World, _order: FakeOrder) -> Any:
    """Every access token given so far is refused from now on."""
    with world.lock:
        world.tokens.kill()
        return {}


def token_seconds(world: World, order: FakeOrder) -> Any:
    """`{"seconds"}`: how long tokens given from now on live."""
    with world.lock:
        world.tokens.seconds = int(order["seconds"])
        return {}


def calls(world: World, _order: FakeOrder) -> Any:
    """Calls since the start or the last DELETE: by path, and by path and errcode."""
    with world.lock:
        return {"paths": dict(world.calls), "answers": dict(world.answers)}


def clear_calls(world: World, _order: FakeOrder) -> Any:
    """Count from zero."""
    with world.lock:
        world.calls.clear()
        world.answers.clear()
        return {}


def advance(world: World, order: FakeOrder) -> Any:
    """`{"seconds"}`: the fake's clock moves on."""
    with world.lock:
        world.shift += float(order["seconds"])
        return {"now": int(world.now())}


def reset_clock(world: World, _order: FakeOrder) -> Any:
    """The fake's clock is the machine's again, the product's stays; tokens given meanwhile are gone."""
    with world.lock:
        world.shift = 0.0
        world.clock_offset = None
        world.tokens = TokenDesk()
        return {}


def clock(world: World, _order: FakeOrder) -> Any:
    """`{"offset_s"}`: how far the product's clock is ahead; null: nobody said."""
    with world.lock:
        return {"offset_s": world.clock_offset}


def set_clock(world: World, order: FakeOrder) -> Any:
    """`{"offset_s"}`: the clocks of the fake, the API, the workers and the schedule go so many seconds ahead."""
    offset = float(order["offset_s"])
    if not abs(offset) <= LARGEST_OFFSET_S:
        raise ValueError(f"offset_s wants seconds up to {LARGEST_OFFSET_S}")
    with world.lock:
        world.clock_offset = world.shift = offset
        return {"offset_s": offset}


def word(world: World, order: FakeOrder) -> Any:
    """`{"word", "suggest", "label"}`: a text with this word is judged so."""
    with world.lock:
        world.words[_text(order, "word")] = (_verdict(order), int(order.get("label", 21000)))
        return {"words": len(world.words)}


def picture_verdict(world: World, order: FakeOrder) -> Any:
    """`{"suggest", "label"}`: pictures are judged so from now on."""
    with world.lock:
        world.picture_verdict = (_verdict(order, "pass"), int(order.get("label", 100)))
        return {}


def checks(world: World, _order: FakeOrder) -> Any:
    """The pictures that were handed in for checking."""
    with world.lock:
        return {"items": list(world.checks)}


def set_push_target(world: World, order: FakeOrder) -> Any:
    """`{"url", "token", "aes_key"}`: where events go by themselves from now on."""
    world.push_target = _target(world, order)
    return {}


def clear_push_target(world: World, _order: FakeOrder) -> Any:
    """Nothing is pushed by itself any more."""
    world.push_target = None
    return {}


def push_events(world: World, order: FakeOrder) -> Any:
    """`{"event" or "events", "url"?, "token"?, "aes_key"?, "appid"?, "repeat"?, "reverse"?, "bad_signature"?, "age"?}`.

    Pushes now, each event `repeat` times, in the given or the reverse order; answers what came of each try.
    """
    target = _target(world, order) if "url" in order else world.push_target
    if target is None:
        raise ValueError("url, token and aes_key are missing, and no push target is set")
    events = order["events"] if "events" in order else [order["event"]]
    if order.get("reverse") is True:
        events = events[::-1]
    trouble = Trouble(bad_signature=order.get("bad_signature") is True, age=int(order.get("age", 0)))
    repeated = [event for event in events for _ in range(int(order.get("repeat", 1)))]
    return {"tries": [push(target, event, world.now(), trouble) for event in repeated]}


def overview(_world: World, _order: FakeOrder) -> Any:
    """This list."""
    return {
        f"{method} {path}": (handler.__doc__ or "").strip().split("\n")[0] for (method, path), handler in ORDERS.items()
    }


ORDERS: dict[tuple[str, str], Callable[[World, FakeOrder], Any]] = {
    ("GET", "/_fake"): overview,
    ("POST", "/_fake/login"): login,
    ("POST", "/_fake/phone"): phone,
    ("POST", "/_fake/grant"): grant,
    ("POST", "/_fake/revoke"): revoke,
    ("POST", "/_fake/template"): template,
    ("GET", "/_fake/messages"): messages,
    ("POST", "/_fake/faults"): add_fault,
    ("GET", "/_fake/faults"): list_faults,
    ("DELETE", "/_fake/faults"): clear_faults,
    ("POST", "/_fake/kill_token"): kill_token,
    ("POST", "/_fake/token_seconds"): token_seconds,
    ("GET", "/_fake/calls"): calls,
    ("DELETE", "/_fake/calls"): clear_calls,
    ("POST", "/_fake/advance"): advance,
    ("DELETE", "/_fake/advance"): reset_clock,
    ("GET", "/_fake/clock"): clock,
    ("POST", "/_fake/clock"): set_clock,
    ("POST", "/_fake/word"): word,
    ("POST", "/_fake/picture_verdict"): picture_verdict,
    ("GET", "/_fake/checks"): checks,
    ("POST", "/_fake/push_target"): set_push_target,
    ("DELETE", "/_fake/push_target"): clear_push_target,
    ("POST", "/_fake/push"): push_events,
}


def obey(world: World, method: str, call: Call) -> Answer:
    """Carry out an order; 404 for one that does not exist, 400 with a sentence for one that makes no sense."""
    handler = ORDERS.get((method, call.path))
    if handler is None:
        return json_answer({"error": "no such order; GET /_fake lists them"}, status=404)
    try:
        return json_answer(handler(world, {**call.query, **(call.body or {})}))
    except (ValueError, KeyError, TypeError) as error:
        return json_answer({"error": f"{type(error).__name__}: {error}"}, status=400)


def _text(order: FakeOrder, name: str) -> str:
    value = order.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is missing")
    return value


def _verdict(order: FakeOrder, *more: str) -> str:
    suggest = _text(order, "suggest")
    if suggest not in {"review", "risky", *more}:
        raise ValueError("suggest wants review or risky")
    return suggest


def _target(world: World, order: FakeOrder) -> PushTarget:
    keys = PushKeys.from_settings(_text(order, "token"), _text(order, "aes_key"), str(order.get("appid", world.appid)))
    return PushTarget(_text(order, "url"), keys)
