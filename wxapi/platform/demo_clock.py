"""A clock that can be put forward and back from outside, so that days and weeks can be tried in a demo.

The fake WeChat keeps the offset (`POST /_fake/clock {"offset_s"}`); API, workers and schedule ask it for that: a second
after it was put, nobody uses what was before, however long they did nothing. Only with `WXAPI_CLOCK_OFFSET_S`, which
the configuration refuses beside the real WeChat: everywhere else the clock is `SystemClock` and nothing is asked.
"""

import http.client
import json
import threading
import time
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from config import Config
from wxapi.kernel.clock import Clock, SystemClock

_ASK_EVERY_S = 0.5
# Long: on a busy machine, a worker that used what it knew a minute ago would write messages of another month.
_TIMEOUT_S = 5.0
# A fake that does not answer must not slow down every request.
_LEAVE_ALONE_S = 5.0


class DemoClock:
    """The machine's clock, shifted by what the fake WeChat says; by `offset_s` until it says something."""

    def __init__(self, fake_url: str, offset_s: float) -> None:
        self._address = urlsplit(fake_url)
        self._ahead = timedelta(seconds=offset_s)
        self._ask_at = 0.0
        self._asking = threading.Lock()

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead()

    def ahead(self) -> timedelta:
        """Asks when it is time to, one thread for all that wait for the answer."""
        if time.monotonic() >= self._ask_at:
            with self._asking:
                if time.monotonic() >= self._ask_at:
                    self._ask()
        return self._ahead

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=_TIMEOUT_S)
        pause = _LEAVE_ALONE_S
        try:
            connection.request("GET", "/_fake/clock")
            offset = json.loads(connection.getresponse().read())["offset_s"]
            if offset is not None:
                self._ahead = timedelta(seconds=offset)
            pause = _ASK_EVERY_S
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, OverflowError):
            pass  # what was known stays
        finally:
            connection.close()
            self._ask_at = time.monotonic() + pause


def clock_of(config: Config) -> Clock:
    """The product's clock."""
    if config.clock_offset_s is None:
        return SystemClock()
    return DemoClock(config.wechat_base_url, config.clock_offset_s)
