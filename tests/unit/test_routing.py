"""The routing function and its gate: known cases, sample reports, random trees, staff and cases.

`tests/data/sample_reports.csv` was written for this project: invented texts at real points of Jingzhou, each with what the
city expects to become of it.
"""

import csv
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wxapi.kernel.errors import InvalidError
from wxapi.reports.rules.categories import Category, all_categories, category_to_file, category_to_show
from wxapi.reports.rules.routing import (
    Place,
    RoutingDecision,
    choose_place,
    excluded_village,
    move_to,
    route,
    triage_desk,
)

with (Path(__file__).parent.parent / "data" / "sample_reports.csv").open(encoding="utf-8") as table:
    SAMPLES = list(csv.DictReader(table))
VILLAGE, OTHER = "421003002004", "421003002008"
TREE = {"4210", "421003", "421003002", VILLAGE, OTHER, "421003002004001", "421003005", "421002", "421002006"}
LITTER, AFFAIRS = category_to_show("E0102"), category_to_show("X0201")


def everybody(_: str) -> bool:
    return True


def nobody(_: str) -> bool:
    return False


def decide(place: Place, of: Category, *, tree: set[str] = TREE, staffed=everybody) -> RoutingDecision:
    excluded = excluded_village(place, of)
    return route(place, of, [excluded] if excluded else [], tree, staffed)


def test_a_place_goes_to_its_village() -> None:
    assert decide(Place(VILLAGE), LITTER) == RoutingDecision(VILLAGE, triage=False, copies=())


def test_village_affairs_go_to_the_township_with_a_copy_to_the_county() -> None:
    decision = decide(Place(VILLAGE), AFFAIRS)
    assert decision == RoutingDecision("421003002", triage=False, copies=("421003",))
    assert excluded_village(Place(VILLAGE), AFFAIRS) == VILLAGE
    assert excluded_village(Place(VILLAGE), LITTER) is None


def test_an_excluded_desk_is_climbed_past_whatever_the_category_says() -> None:
    assert route(Place(VILLAGE), LITTER, [VILLAGE], TREE, everybody).desk_code == "421003002"
    decision = route(Place(VILLAGE), AFFAIRS, ["421003002"], TREE, everybody)
    assert (decision.desk_code, decision.copies) == ("421003", ())


def test_a_desk_nobody_is_appointed_to_is_decided_by_the_township() -> None:
    decision = decide(Place(VILLAGE), LITTER, staffed=nobody)
    assert decision == RoutingDecision("421003002", triage=True, copies=())
    assert decide(Place(VILLAGE), AFFAIRS, staffed=nobody).copies == ("421003",)


def test_the_village_of_the_point_owns_an_ambiguous_report_until_the_reporter_picks() -> None:
    located = Place(VILLAGE, "421003002004001", (OTHER,))
    assert decide(located, LITTER).desk_code == VILLAGE
    picked = choose_place(located, OTHER)
    assert picked == Place(OTHER, None, (VILLAGE,))
    assert decide(picked, LITTER).desk_code == OTHER
    assert excluded_village(picked, AFFAIRS) == OTHER


@pytest.mark.parametrize("pick", [None, VILLAGE, "421003002009", "nonsense", ""])
def test_a_pick_that_is_no_candidate_changes_nothing(pick: str | None) -> None:
    located = Place(VILLAGE, "421003002004001", (OTHER,))
    assert choose_place(located, pick) is located


def test_a_tree_without_any_region_left_is_a_fault() -> None:
    with pytest.raises(LookupError):
        route(Place(VILLAGE), LITTER, ["4210"], TREE, everybody)
    with pytest.raises(LookupError):
        triage_desk(Place(VILLAGE), [], set())


def refusal_of(desk: str, place: Place, exclusions: list[str], tree: set[str]) -> str | None:
    """The refusal's code, or None when the gate lets the desk pass."""
    try:
        move_to(desk, place, exclusions, tree)
    except InvalidError as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize(
    ("desk", "ordinary", "confidential"),
    [
        (VILLAGE, None, "desk_not_allowed"),
        (OTHER, None, "desk_not_allowed"),
        ("421003002", None, None),
        ("421003005", None, "desk_not_allowed"),
        ("421003", None, None),
        ("421002", "desk_not_allowed", "desk_not_allowed"),
        ("421002006", "desk_not_allowed", "desk_not_allowed"),
        ("4210", "desk_not_allowed", "desk_not_allowed"),
        ("421003002004001", "desk_not_allowed", "desk_not_allowed"),
        ("421003002999", "unknown_region", "unknown_region"),
        ("", "unknown_region", "unknown_region"),
    ],
)
def test_the_gate(desk: str, ordinary: str | None, confidential: str | None) -> None:
    assert refusal_of(desk, Place(VILLAGE), [], TREE) == ordinary
    assert refusal_of(desk, Place(VILLAGE), [VILLAGE], TREE) == confidential


def test_triage_is_the_townships() -> None:
    assert triage_desk(Place(VILLAGE), [], TREE) == "421003002"
    assert triage_desk(Place(VILLAGE), [VILLAGE], TREE) == "421003002"
    assert triage_desk(Place(VILLAGE), ["421003002"], TREE) == "421003"


NOT_TAKEN = {
    ("emergency", "X0901"): "call_emergency",
    ("refuse", "X0902"): "private_matter",
    ("redirect", "X0903"): "redirect_12388",
    ("redirect", "X0904"): "redirect_12345",
}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["id"])
def test_the_citys_sample_reports_go_where_it_expects(sample: dict[str, str]) -> None:
    place = Place(sample["village_code"])
    tree = {place.village_code[:digits] for digits in (4, 6, 9, 12)}
    expected = sample["expect"]
    if (expected, sample["category_code"]) in NOT_TAKEN:
        with pytest.raises(InvalidError) as refusal:
            category_to_file(sample["category_code"])
        assert refusal.value.code == NOT_TAKEN[expected, sample["category_code"]]
        return
    desk = decide(place, category_to_file(sample["category_code"]), tree=tree).desk_code
    assert desk == {"route": place.village_code, "upward": place.village_code[:9]}[expected]


def below(parents: list[str], digits: int, most: int) -> st.SearchStrategy[list[str]]:
    """Children of each parent, at most `most`, with `digits` more digits."""
    children = st.sets(st.integers(1, 10**digits - 1), min_size=1, max_size=most)
    return st.tuples(*[children for _ in parents]).map(
        lambda drawn: [f"{p}{n:0{digits}}" for p, numbers in zip(parents, drawn, strict=True) for n in sorted(numbers)]
    )


@st.composite
def trees(draw: st.DrawFn) -> tuple[set[str], list[str]]:
    """A city's region codes, and its villages among them."""
    counties = draw(below(["4210"], 2, 2))
    townships = draw(below(counties, 3, 3))
    villages = draw(below(townships, 3, 3))
    grids = draw(below(villages, 3, 2))
    return {"4210", *counties, *townships, *villages, *grids}, villages


CASES = st.sampled_from([c for c in all_categories().values() if not c.code.startswith("X09")])


@given(trees(), CASES, st.data())
def test_no_route_and_no_move_reaches_an_excluded_unit(city: tuple[set[str], list[str]], of: Category, data) -> None:
    tree, villages = city
    located = Place(data.draw(st.sampled_from(villages)), None, tuple(data.draw(st.lists(st.sampled_from(villages)))))
    place = choose_place(located, data.draw(st.none() | st.sampled_from(villages)))
    staff = data.draw(st.sets(st.sampled_from(sorted(tree))))
    excluded = excluded_village(place, of)
    exclusions = [excluded] if excluded else []
    decision = route(place, of, exclusions, tree, staff.__contains__)
    assert decision.desk_code in tree
    assert decision.triage == (route(place, of, exclusions, tree, everybody).desk_code not in staff)
    assert move_to(decision.desk_code, place, exclusions, tree) == decision.desk_code
    assert triage_desk(place, exclusions, tree) == place.village_code[:9]
    allowed = {code for code in tree if refusal_of(code, place, exclusions, tree) is None}
    for code in {decision.desk_code, *decision.copies, *allowed}:
        assert excluded is None or (excluded.startswith(code) and code != excluded)


@given(trees(), st.data())
def test_any_exclusion_at_any_level_holds(city: tuple[set[str], list[str]], data) -> None:
    tree, villages = city
    place = Place(data.draw(st.sampled_from(villages)))
    exclusions = data.draw(st.lists(st.sampled_from(sorted(tree)), max_size=4))
    assume(not any(place.village_code[:6].startswith(code) for code in exclusions))
    decision = route(place, data.draw(CASES), exclusions, tree, everybody)
    assert not any(decision.desk_code.startswith(code) for code in exclusions)
