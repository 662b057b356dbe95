"""The page about reports shows the workflow table of today."""

from pathlib import Path

from wxapi.reports.rules.diagram import renewed, state_diagram

PAGE = Path(__file__).parents[2] / "docs" / "reports.md"


def test_the_page_is_made_from_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert state_diagram() in text
    assert renewed(text) == text, "run: python -m wxapi.reports.rules.diagram --write docs/reports.md"
