"""All the fake knows, in memory. Every access holds `lock`."""

import queue
import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from wxapi.demo.fake_wechat.access import TokenDesk
from wxapi.demo.fake_wechat.faults import FakeFault
from wxapi.platform.wechat.push_crypto import PushKeys

CODE_SECONDS = 300
LONG_TERM = -1  # a grant that does not run out

# What the real text check would find, reduced to a few words: word → (suggest, label).
WORDS = {
    "赌博": ("risky", 20006),
    "裸聊": ("risky", 20002),
    "刷单返利": ("risky", 20008),
    "傻逼": ("risky", 20003),
    "加微信": ("review", 10001),
    "优惠大促": ("review", 10001),
}


@dataclass(slots=True)
class Code:
    """What `wx.login` or the phone button gave to a phone; `phone` is empty for login codes."""

    openid: str
    made_at: float
    phone: str = ""
    unionid: str = ""
    used: bool = False


@dataclass(slots=True)
class PushTarget:
    """Where events are pushed by themselves."""

    url: str
    keys: PushKeys


@dataclass(slots=True)
class World:
    """The state of one fake WeChat with one mini program."""

    appid: str
    secret: str
    # What codes nobody made are good for: "" nothing, "on" somebody named after them, else this openid.
    any_code: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    shift: float = 0.0
    # What the product's clock is told; None: nothing was said.
    clock_offset: float | None = None
    tokens: TokenDesk = field(default_factory=TokenDesk)
    codes: dict[str, Code] = field(default_factory=dict)
    last_seen: dict[str, float] = field(default_factory=dict)
    session_keys: dict[str, str] = field(default_factory=dict)
    grants: dict[tuple[str, str], int] = field(default_factory=dict)
    templates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    sending_to: set[str] = field(default_factory=set)
    checks: list[dict[str, Any]] = field(default_factory=list)
    words: dict[str, tuple[str, int]] = field(default_factory=lambda: dict(WORDS))
    picture_verdict: tuple[str, int] = ("pass", 100)
    push_target: PushTarget | None = None
    outgoing: queue.SimpleQueue[tuple[PushTarget, dict[str, Any]]] = field(default_factory=queue.SimpleQueue)
    calls: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    in_minute: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: list[FakeFault] = field(default_factory=list)

    def now(self) -> float:
        """Unix time, moved on by what the control side asked for."""
        return time.time() + self.shift

    def tell(self, event: str, sender: str, **fields: Any) -> None:
        """Have an event pushed in the background, if there is a target; a later one gets nothing of before."""
        head = {"ToUserName": "gh_000000000001", "FromUserName": sender, "CreateTime": int(self.now())}
        if self.push_target is not None:
            self.outgoing.put((self.push_target, {**head, "MsgType": "event", "Event": event, **fields}))

    def new_code(self, code: Code) -> str:
        """Keep a code and give its name."""
        name = secrets.token_hex(16)
        self.codes[name] = code
        return name
