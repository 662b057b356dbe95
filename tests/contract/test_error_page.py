"""docs/errors.md lists what the code refuses."""

from tests.contract.test_house import ROOT
from wxapi.platform import error_list


def test_the_page_of_error_codes_is_up_to_date() -> None:
    made = error_list.page()
    assert (ROOT / "docs" / "errors.md").read_text() == made, "python -m wxapi.platform.error_list > docs/errors.md"


def test_the_page_names_what_everybody_meets() -> None:
    made = error_list.page()
    for code in ("token_invalid", "not_found", "validation_failed", "version_conflict", "database_unavailable"):
        assert f"`{code}`" in made
