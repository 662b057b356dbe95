"""Several statements made one: what its text says, and that no value of one is taken for another's."""

import re
import string

from hypothesis import given
from hypothesis import strategies as st

from wxapi.platform.driver import Part, as_one

NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=4)
VALUES = st.dictionaries(NAMES, st.integers(), min_size=1, max_size=3)
PARTS = st.lists(
    st.builds(
        lambda values, rows: Part(
            f"INSERT INTO t VALUES ({', '.join(f'%({name})s' for name in values)}) RETURNING 1", values, rows
        ),
        VALUES,
        st.none() | st.integers(0, 9),
    ),
    min_size=1,
    max_size=5,
)


@given(PARTS)
def test_each_part_keeps_its_own_values(parts: list[Part]) -> None:
    sql, values = as_one(parts)
    asked = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
    assert asked == [f"{name}_{n}" for n, part in enumerate(parts) for name in part.values]
    assert values == [value for part in parts for value in part.values.values()]


@given(PARTS)
def test_every_part_is_asked_for_the_rows_it_must_give(parts: list[Part]) -> None:
    sql, _ = as_one(parts)
    condition = sql.partition("CASE WHEN ")[2].partition(" THEN '1'")[0]
    asked = re.findall(r"\(SELECT (?:true|count\(\*\)) FROM _(\d+)\)(?: = (\d))?", condition)
    assert [(int(n), int(rows or 1)) for n, rows in asked] == [
        (n, part.rows) for n, part in enumerate(parts) if part.rows is not None
    ]


def test_no_value_stands_in_the_text() -> None:
    sql, _ = as_one([Part("INSERT INTO t VALUES (%(word)s) RETURNING 1", {"word": "13800138000"}, rows=1)])
    assert "13800138000" not in sql


def test_a_part_is_read_by_its_name() -> None:
    sql, _ = as_one(
        [Part("SELECT 1 AS n", {}, name="first"), Part("INSERT INTO t SELECT n FROM first RETURNING 1", {})]
    )
    assert sql.startswith("WITH first AS (SELECT 1 AS n), _1 AS (INSERT INTO t SELECT n FROM first RETURNING 1)")
