"""What one process of the token race does; apart from the tests so that eight of them start quickly."""

from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from typing import Any

from redis import Redis

from tests.fake_wechat_control import FakeControl
from wxapi.kernel.clock import FixedClock
from wxapi.platform.wechat.client import WeChatClient
from wxapi.platform.wechat.codes import TEXT_CHECK_PATH

CHECK = {"version": 2, "scene": 3, "openid": "o-token", "content": "路口垃圾箱满溢"}
CALLS = 40


def call_many(url: str, account: tuple[str, str], redis_url: str, number: int, start: Barrier, results: Any) -> None:
    """Call `CALLS` times and report how many went well; the first process kills the token while all are calling."""
    with Redis.from_url(redis_url) as redis:
        client = WeChatClient(url, *account, redis, FixedClock(datetime(2026, 11, 23, tzinfo=UTC)))
        fake = FakeControl(url)
        start.wait(60)
        done = 0
        for call in range(CALLS):
            if number == 0 and call == 5:
                fake.kill_token()
            done += client.call(TEXT_CHECK_PATH, CHECK)["errcode"] == 0
        results.put(done)
