"""What a cell of an exported file may hold: text is text, and never a formula. Pure."""

from collections.abc import Iterable

from wxapi.kernel.file_text import no_formula

MOST_XLSX_ROWS = 1_048_575

Cell = str | int | float | None


def csv_cells(cells: Iterable[Cell]) -> list[Cell]:
    """The cells of a record as CSV holds them: a text that begins like a formula gets `'` in front."""
    return [no_formula(cell) if isinstance(cell, str) else cell for cell in cells]
