"""The definitions that are served are those that count: a reader who works one out by its words gets the same rate."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tests.figures import identity_holds
from wxapi.supervision.rules.measures import COUNTED, MEASURES, RATED_FROM, Counts, counts_dict, rates

NUMBERS = st.builds(Counts, **dict.fromkeys(COUNTED, st.integers(0, 40)))
# What a formula names beside the counts that are measures themselves.
ZH = {measure.zh: measure.name for measure in MEASURES if measure.denominator is None}
ZH |= {"评分之和": "rating_sum", "评分数": "rated"}
NAMED = re.compile("|".join(sorted(ZH, key=len, reverse=True)))
SIGNS = str.maketrans("（）＋÷", "()+/")


def by_its_words(formula: str, counts: Counts) -> float | None:
    """A formula as it is shown, worked out; None where it divides by nothing."""
    words = formula.partition("，")[0]
    numbers = NAMED.sub(lambda found: str(getattr(counts, ZH[found.group()])), words).translate(SIGNS)
    assert re.fullmatch(r"[0-9()+/ ]+", numbers), formula
    try:
        return float(eval(numbers))
    except ZeroDivisionError:
        return None


@given(NUMBERS)
def test_a_rate_is_what_its_words_say(counts: Counts) -> None:
    found = rates(counts)
    shown = {measure.name: measure for measure in MEASURES if measure.denominator is not None}
    assert set(found) == set(shown)
    for name, rate in found.items():
        said = by_its_words(shown[name].formula_zh, counts)
        if name == "rating_mean" and counts.rated < RATED_FROM:
            assert f"满 {RATED_FROM} 个" in shown[name].formula_zh
            said = None
            # Nor by dividing what is told.
            assert rate.num is None or counts.rated == 0
            assert (counts_dict(counts)["rating_sum"] is None) == (counts.rated > 0)
        assert rate.value == (None if said is None else round(said, 4)), name
        assert rate.den == getattr(counts, str(shown[name].denominator))


def test_a_count_is_defined_by_its_own_name() -> None:
    counts = [measure for measure in MEASURES if measure.denominator is None]
    assert [measure.name for measure in counts] == [measure.numerator for measure in counts]
    assert {measure.name for measure in counts} == set(COUNTED) - {"rated", "rating_sum"}


@given(NUMBERS)
def test_the_identity_is_the_one_of_the_definitions(counts: Counts) -> None:
    parts = [measure.name for measure in MEASURES if measure.formula_zh.startswith("应办数中，")]
    assert identity_holds(counts) == (counts.due == sum(getattr(counts, name) for name in parts))
