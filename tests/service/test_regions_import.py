"""Importing regions: all or nothing, and what stays."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from tests import places
from wxapi.regions.service import locate, tree


def test_small_city_is_found_again(session: Session) -> None:
    summary = places.import_small_city()
    assert (summary.regions, summary.boundaries) == (14, 8)
    for code in places.VILLAGES:
        assert locate(places.centre(code)).village.code == code
