"""Times as the pages say them."""

from datetime import UTC, datetime, timedelta

import pytest

from wxapi.web.kit import times

NOW = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)  # 10:30 in Hubei


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "1 秒"), (7, "7 秒"), (60, "60 秒"), (61, "2 分钟"), (3600, "60 分钟"), (3601, "2 小时"), (7200, "2 小时")],
)
def test_a_wait_is_never_said_shorter_than_it_is(seconds: int, said: str) -> None:
    assert times.wait(seconds) == said


@pytest.mark.parametrize(
    ("hours", "said"),
    [(2, "12:30"), (13, "23:30"), (14, "明天 00:30"), (39, "11月25日 01:30")],
)
def test_an_end_says_the_day_only_where_it_is_another(hours: int, said: str) -> None:
    assert times.spoken_end(NOW + timedelta(hours=hours), NOW, NOW) == said
