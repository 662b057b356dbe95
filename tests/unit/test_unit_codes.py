"""Codes of units: a prefix of regions, and never taken for a level by their length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.kernel.errors import InvalidError
from wxapi.regions.rules.levels import level_of, region_of
from wxapi.units.rules import above, is_region, is_unit_code, unit_code

REGIONS = st.builds(
    lambda digits, length: digits[:length],
    st.from_regex(r"[1-9][0-9]{14}", fullmatch=True),
    st.sampled_from([4, 6, 9, 12, 15]),
)
SUFFIXES = st.from_regex(r"[a-z0-9]{2,12}", fullmatch=True)


@given(REGIONS, SUFFIXES)
def test_a_units_code_is_no_region_of_its_length(region: str, suffix: str) -> None:
    code = unit_code(region, suffix)
    assert is_unit_code(code)
    assert not is_region(code)
    assert level_of(code) is None
    assert region_of(code) == region
    assert above(code) == region
    assert code.startswith(region)


@pytest.mark.parametrize("code", ["421002-zj", "421002-zjjzj", "421002006-zj", "421002-zjjzj123", "421002006001-zj"])
def test_lengths_of_9_12_and_15_characters_name_no_level(code: str) -> None:
    assert len(code) in {9, 12, 15}
    assert level_of(code) is None
    assert above(code) == code.partition("-")[0]


@pytest.mark.parametrize("suffix", ["", "z", "ZJ", "zj-", "住建局", "a" * 13, "zj\n", "z j"])
def test_other_suffixes_are_refused(suffix: str) -> None:
    with pytest.raises(InvalidError) as refused:
        unit_code("421002", suffix)
    assert refused.value.code == "suffix_invalid"


@given(REGIONS)
def test_above_a_region_is_its_parent(region: str) -> None:
    parent = above(region)
    assert parent is None if len(region) == 4 else region.startswith(parent or "?")
    assert is_region(region)
    assert region_of(region) == region
