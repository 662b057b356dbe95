"""Regions of another city are refused."""

import pytest

from wxapi.kernel.errors import InvalidError
from wxapi.regions.rules.checking import Entry, check_tree


def test_what_lies_in_another_city_is_refused() -> None:
    entries = [Entry("a.csv", "4205", "宜昌市", None, None, None)]
    with pytest.raises(InvalidError) as raised:
        check_tree(entries, ())
    assert raised.value.code == "other_city"
