"""docs/errors.md and the OpenAPI document name what the code refuses."""

import pytest

from wxapi.platform import error_list
from wxapi.platform.refusals_found import Source

HOW = "python -m wxapi.platform.error_list"


@pytest.fixture(scope="module")
def source() -> Source:
    return Source()


def test_the_page_of_error_codes_is_up_to_date(source: Source) -> None:
    assert error_list.PAGE.read_text(encoding="utf-8") == error_list.page(source), HOW


def test_the_refusals_of_each_call_are_up_to_date(source: Source) -> None:
    assert error_list.FILE.read_text(encoding="utf-8") == error_list.data(source), HOW


def test_the_page_names_what_everybody_meets(source: Source) -> None:
    made = error_list.page(source)
    for code in ("token_invalid", "not_found", "validation_failed", "version_conflict", "database_unavailable"):
        assert f"`{code}`" in made
    # Codes that stand in tables of the code.
    for code in ("redirect_12388", "photo_used", "unsupported_format", "push_refused"):
        assert f"`{code}`" in made


def test_what_a_view_runs_is_followed_through_tables_and_registries(source: Source) -> None:
    found = {name: {code for _, code, _ in refusals} for name, refusals in source.operations().items()}
    assert {"unit_has_open_duties", "unknown_region"} <= found["units.close_unit"]
    assert {"wx_code_invalid", "wechat_unavailable"} <= found["identity.log_in"]
    assert "storage_unavailable" in found["photos.upload"]
    assert found["identity.read_me"] == set()
