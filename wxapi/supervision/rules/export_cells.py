"""What a cell of an exported file may hold: text is text, and never a formula. Pure."""

from collections.abc import Iterable

# A spreadsheet takes a text that begins so for a formula (OWASP, CVE-2021-41270).
_FORMULA = frozenset("=+-@\t\r")
MOST_XLSX_ROWS = 1_048_575

Cell = str | int | float | None


def csv_cells(cells: Iterable[Cell]) -> list[Cell]:
    """The cells of a record as CSV holds them: a text that begins like a formula gets `'` in front."""
    return [f"'{cell}" if isinstance(cell, str) and cell[:1] in _FORMULA else cell for cell in cells]
