"""Outlines of regions as drawings, drawn anew only after an import."""

from functools import lru_cache

from wxapi.platform.db import db
from wxapi.regions.queries import boundaries_of
from wxapi.regions.services.lookup import tree
from wxapi.web.kit.drawing import Drawing, draw


def outlines_of(codes: tuple[str, ...], around: str | None = None) -> Drawing:
    """Some regions; with `around`, one of them and what of the others lies beside it."""
    return _drawn(tree().version, codes, around)


def outlines_around(village: str) -> Drawing:
    """A village among its neighbours of the township."""
    regions = tree()
    known = regions.get(village)
    codes = tuple(each.code for each in regions.children(known.parent_code)) if known else ()
    return outlines_of(codes, village)


@lru_cache(maxsize=200)
def _drawn(_version: int, codes: tuple[str, ...], around: str | None) -> Drawing:
    borders = boundaries_of(db.session(), codes)
    return draw(borders, around if around in borders else None)
