"""Credit hours by dated rules, split over New Year in Asia/Shanghai."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.kernel.clock import SHANGHAI
from wxapi.training.rules.attendance import State
from wxapi.training.rules.hours import Credit, city_rules, credited_states, credits_of, parse_rules, rule_on

RULES = city_rules()


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)


def total(kind: str, start: datetime, length: timedelta) -> Decimal:
    return sum((credit.hours for credit in credits_of(kind, start, start + length, None, RULES)), Decimal(0))


@pytest.mark.parametrize(
    ("kind", "minutes", "hours"),
    [
        ("lecture", 60, "1"),
        ("lecture", 100, "1.5"),
        ("lecture", 120, "2"),
        ("lecture", 180, "4"),
        ("rotation", 240, "4"),
        ("rotation", 480, "8"),
        ("bench_class", 29, "0"),
        ("mobile_class", 200, "3"),
        ("mobile_class", 700, "8"),
    ],
)
def test_by_kind_and_length(kind, minutes, hours):
    assert total(kind, local(2026, 5, 8, 9), timedelta(minutes=minutes)) == Decimal(hours)


def test_the_plan_of_2019_follows_another_rule():
    assert total("lecture", local(2023, 5, 8, 9), timedelta(minutes=240)) == Decimal(4)
    assert total("lecture", local(2023, 5, 8, 9), timedelta(minutes=180)) == Decimal(3)
    assert rule_on(date(2023, 12, 31), RULES).version == "2019-2023"
    assert rule_on(date(2024, 1, 1), RULES).version == "2024-2028"
    assert rule_on(date(2010, 1, 1), RULES).version == "2019-2023"


def test_new_years_eve_in_shanghai_not_in_utc():
    parts = credits_of("lecture", local(2026, 12, 31, 22), local(2027, 1, 1, 2), None, RULES)
    assert parts == (Credit(2026, Decimal("2.0"), "2024-2028"), Credit(2027, Decimal("2.0"), "2024-2028"))
    # 16:00-17:00 UTC on 31 December is already New Year's Day in Shanghai.
    utc = datetime(2026, 12, 31, 16, tzinfo=UTC)
    assert [part.year for part in credits_of("lecture", utc, utc + timedelta(hours=1), None, RULES)] == [2027]


def test_a_session_over_the_change_of_plans_names_both_versions():
    parts = credits_of("rotation", local(2023, 12, 30, 8), local(2024, 1, 2, 18), None, RULES)
    assert [(part.year, part.hours, part.rule_version) for part in parts] == [
        (2023, Decimal(16), "2019-2023"),
        (2024, Decimal(16), "2024-2028"),
    ]


def test_hours_set_by_the_organiser_are_split_exactly():
    parts = credits_of("lecture", local(2026, 12, 31, 23), local(2027, 1, 1, 1, 30), Decimal(1), RULES)
    assert [part.hours for part in parts] == [Decimal("0.4"), Decimal("0.6")]


@given(
    st.datetimes(
        local(2019, 1, 1).replace(tzinfo=None), local(2028, 12, 31).replace(tzinfo=None), timezones=st.just(UTC)
    ),
    st.integers(1, 31 * 1440),
    st.decimals(0, 100, places=1),
)
def test_nothing_is_lost_and_nobody_learns_more_than_a_day_a_day(start, minutes, fixed):
    end = start + timedelta(minutes=minutes)
    assert sum((c.hours for c in credits_of("lecture", start, end, fixed, RULES)), Decimal(0)) == fixed
    days = (end.astimezone(SHANGHAI).date() - start.astimezone(SHANGHAI).date()).days + 1
    assert sum((c.hours for c in credits_of("lecture", start, end, None, RULES)), Decimal(0)) <= 8 * days


def test_another_citys_rules_are_data():
    rules = parse_rules(
        [
            {
                "version": "x",
                "from": "2020-01-01",
                "conversions": {"default": {"steps": [], "minutes_per_hour": 45}},
                "max_per_day": 6,
                "credited_states": ["present"],
            }
        ]
    )
    earned = credits_of("lecture", local(2026, 5, 8, 9), local(2026, 5, 8, 10, 30), None, rules)
    assert [c.hours for c in earned] == [Decimal(2)]
    assert credited_states(local(2026, 5, 8, 9), rules) == {State.PRESENT}
