"""Regions that change: who goes on for each code, worked out before anything is written. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from wxapi.kernel.errors import InvalidError
from wxapi.regions.rules.levels import LEVEL_NAMES, Level, level_of, parent_of
from wxapi.regions.rules.tree import RegionInfo, Tree


@dataclass(frozen=True, slots=True)
class RegionMove:
    """What lay with the region `old` lies with `new` from now on."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Closing:
    """Regions that are closed together: code → who goes on, None where nobody does; from above to below."""

    successors: Mapping[str, str | None]

    @property
    def moves(self) -> tuple[RegionMove, ...]:
        return tuple(RegionMove(old, new) for old, new in self.successors.items() if new is not None)

    @property
    def ended(self) -> tuple[str, ...]:
        """Codes for which nobody goes on."""
        return tuple(code for code, new in self.successors.items() if new is None)


def closing_of(tree: Tree, wanted: Mapping[str, str | None], coming: Collection[str]) -> Closing:
    """What closing some regions means for each code. The grids of a village go with it, to its successor.

    Args:
        tree: as it stands.
        wanted: code → successor.
        coming: codes that the same change brings.

    Raises:
        InvalidError: `unknown_region`, `region_closed`, `region_has_parts`, `successor_invalid`.
    """
    found: dict[str, str | None] = {}
    for code, successor in wanted.items():
        parts = [region for region in standing(tree, code) if region.code not in wanted]
        above_grids = [part for part in parts if part.level is not Level.GRID]
        if above_grids:
            names = "、".join(part.name for part in above_grids[:5])
            raise InvalidError("region_has_parts", f"{_named(tree, code)}下还有 {len(above_grids)} 个区划（{names}）。")
        if successor is not None:
            _check_successor(tree, code, successor, {*wanted} - {*coming}, coming)
        found |= {code: successor} | {part.code: successor for part in parts}
    return Closing(dict(sorted(found.items(), key=lambda pair: (len(pair[0]), pair[0]))))


def recoding_of(tree: Tree, old: str, new: str) -> Closing:
    """What a new code for a region means for it and all below it: each keeps its last digits.

    Raises:
        InvalidError: `unknown_region`, `region_closed`; `bad_code`, `code_taken`, `unknown_parent`.
    """
    regions = standing(tree, old, itself=True)
    if level_of(new) is not level_of(old):
        raise InvalidError("bad_code", f"新代码“{new[:40]}”的层级与原代码 {old} 不同。")
    above = parent_of(new)
    if above is not None and above not in tree.standing:
        raise InvalidError("unknown_parent", f"新代码的上级 {above} 不存在或已撤销。")
    codes = {region.code: new + region.code[len(old) :] for region in regions}
    if taken := [code for code in codes.values() if code in tree]:
        raise InvalidError("code_taken", f"代码 {taken[0]} 已在使用。")
    return Closing(codes)


def standing(tree: Tree, code: str, *, itself: bool = False) -> Sequence[RegionInfo]:
    """The regions that stand below one that stands, or with itself.

    Raises:
        InvalidError: `unknown_region`, `region_closed`.
    """
    region = tree.get(code)
    if region is None:
        raise InvalidError("unknown_region", f"没有代码为“{code[:20]}”的区划。")
    if region.closure is not None:
        raise InvalidError("region_closed", f"{_named(tree, code)}已于 {region.closure.closed_on} 撤销。")
    return [each for each in tree.below(code) if each.closure is None and (itself or each.code != code)]


def _check_successor(tree: Tree, code: str, successor: str, closing: Collection[str], coming: Collection[str]) -> None:
    """Another region that stands or comes with this change, of the same level; of a grid also a village."""
    level, there = level_of(code), successor in tree.standing or successor in coming
    levels = {level, Level.VILLAGE} if level is Level.GRID else {level}
    if not there or successor in closing or successor == code or level_of(successor) not in levels:
        assert level is not None  # it stands in the tree
        raise InvalidError(
            "successor_invalid",
            f"{_named(tree, code)}的承接区划“{successor[:20]}”须是另一个未撤销的{LEVEL_NAMES[level]}。",
        )


def _named(tree: Tree, code: str) -> str:
    region = tree.get(code)
    return f"{code}（{region.name}）" if region else code
