"""Codes, levels and the tree."""

import pytest

from wxapi.kernel.errors import InvalidError
from wxapi.regions.rules.levels import (
    CODE_LENGTH,
    Level,
    ancestor_of,
    check_region,
    level_of,
    parent_of,
    path_of,
    reach_m,
)
from wxapi.regions.rules.tree import Tree

NAMES = {
    "421002001001": "健康巷社区",
    "4210": "荆州市",
    "421002": "沙市区",
    "421002001": "中山街道",
    "421003": "荆州区",
    "421002001001002": "第2网格",
}


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("4210", Level.CITY),
        ("421002", Level.COUNTY),
        ("421002001", Level.TOWNSHIP),
        ("421002001001", Level.VILLAGE),
        ("421002001001002", Level.GRID),
        ("42", None),
        ("42100a", None),
        ("42 002", None),
        ("٤٢١٠", None),
        ("", None),
    ],
)
def test_level_of_a_code(code: str, level: Level | None) -> None:
    assert level_of(code) is level


@pytest.mark.parametrize("code", ["421002-zj", "421002-zjzjz", "421002001-zj", "421002-zjzjzjzj", "421002001001-zj"])
def test_a_unit_is_no_region_however_long_its_code(code: str) -> None:
    """Nine, twelve and fifteen characters are not a township, a village and a grid."""
    assert len(code) in CODE_LENGTH.values()
    region = code.partition("-")[0]
    assert level_of(code) is None
    assert parent_of(code) is None
    assert path_of(code) == path_of(region)
    for level in Level:
        assert ancestor_of(code, level) == ancestor_of(region, level)
        assert ancestor_of(code, level) in {None, *path_of(region)}


def test_parents_and_path() -> None:
    assert parent_of("421002001001002") == "421002001001"
    assert parent_of("4210") is None
    assert path_of("421002001") == ("4210", "421002", "421002001")


@pytest.mark.parametrize(("accuracy", "reach"), [(0, 10), (10, 10), (65, 65), (500, 500), (5000, 500)])
def test_reach(accuracy: float, reach: float) -> None:
    assert reach_m(accuracy) == reach


@pytest.mark.parametrize(
    ("region", "code"),
    [
        (("42100", "名", "county", None), "bad_code"),
        (("421002", " ", "county", None), "bad_name"),
        (("421002", "名" * 101, "county", None), "bad_name"),
        (("421002", "名", "village", None), "wrong_level"),
        (("421002", "名", "hamlet", None), "wrong_level"),
        (("421002001", "名", "township", "421003"), "wrong_parent"),
        (("421002001", "名", "township", "4210"), "wrong_parent"),
    ],
)
def test_refused_regions(region: tuple[str, str, str, str | None], code: str) -> None:
    with pytest.raises(InvalidError) as refused:
        check_region(*region)
    assert refused.value.code == code


def test_a_citys_parent_is_not_looked_at() -> None:
    check_region("4210", "荆州市", "city", "42")


def test_tree() -> None:
    tree = Tree(7, NAMES.items())
    village = tree["421002001001"]
    assert (tree.version, len(tree)) == (7, 6)
    assert village.full_name == "荆州市沙市区中山街道健康巷社区"
    assert village.path == ("4210", "421002", "421002001", "421002001001")
    assert (village.level, village.parent_code) == (Level.VILLAGE, "421002001")
    assert [region.code for region in tree.children(None)] == ["4210"]
    assert [region.code for region in tree.children("4210")] == ["421002", "421003"]
    assert tree.children("421003") == []
    assert tree.get("421009") is None
    assert "421009" not in tree


def test_ancestors() -> None:
    tree = Tree(1, NAMES.items())
    grid = tree["421002001001002"]
    assert (grid.county_code, grid.township_code, grid.village_code) == ("421002", "421002001", "421002001001")
    assert tree["421002"].township_code is None
    assert tree.ancestor(grid.code, Level.COUNTY) is tree["421002"]
    assert tree.ancestor("421002", Level.COUNTY) is tree["421002"]
    assert tree.ancestor("421002", Level.VILLAGE) is None
    assert tree.ancestor("421009", Level.CITY) is None
    assert tree["421002"].covers(grid.code)
    assert not tree["421003"].covers(grid.code)
