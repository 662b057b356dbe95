"""Files of exports, written row by row to the disk: CSV, XLSX and GeoJSON, each with a note of what it is."""

import csv
import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from wxapi.supervision.rules.export_cells import MOST_XLSX_ROWS, Cell, csv_cells

_FOLDER = "wxapi-export-"
# A job is interrupted after a quarter of an hour: nobody writes into what is older.
_LEFT_BEHIND_S = 3600
_BLOCK = 1 << 20


class TooManyRowsError(Exception):
    """More rows than a sheet of XLSX holds."""


@dataclass(frozen=True, slots=True)
class Note:
    """说明: what a file says of itself, a label and a value each."""

    lines: tuple[tuple[str, str], ...]


class FileWriter(Protocol):
    """Writes one file."""

    def row(self, cells: Sequence[Cell], feature: Any = None) -> None:
        """Add a row; `feature` is the position of a GeoJSON feature."""
        ...

    def finish(self, note: Note) -> None:
        """Write the note and close the file."""
        ...

    def close(self) -> None:
        """Let go of a file, finished or not."""
        ...


class CsvWriter:
    """UTF-8 with a byte order mark, CRLF, RFC 4180; the note stands in the last rows."""

    def __init__(self, path: Path, headings: Sequence[str]) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        # RFC 4180: CRLF, quotes where a cell needs them.
        self._records = csv.writer(self._file, lineterminator="\r\n")
        self._records.writerow(headings)

    def row(self, cells: Sequence[Cell], feature: Any = None) -> None:  # noqa: ARG002 - a row of a table has none
        self._records.writerow(csv_cells(cells))

    def finish(self, note: Note) -> None:
        self._file.write("\r\n")
        for label, value in note.lines:
            self._records.writerow(csv_cells((label, value)))
        self.close()

    def close(self) -> None:
        self._file.close()


class XlsxWriter:
    """A sheet written in constant memory; text is text, never a formula or a link. The note is the second sheet."""

    def __init__(self, path: Path, headings: Sequence[str]) -> None:
        import xlsxwriter  # noqa: PLC0415 - slow to import, and few processes make one

        self._book = xlsxwriter.Workbook(
            str(path),
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "tmpdir": str(path.parent),
            },
        )
        self._sheet = self._book.add_worksheet("数据")
        self._sheet.freeze_panes(1, 0)
        bold = self._book.add_format({"bold": True})
        for column, heading in enumerate(headings):
            self._sheet.write_string(0, column, heading, bold)
        self._rows = 0

    def row(self, cells: Sequence[Cell], feature: Any = None) -> None:  # noqa: ARG002 - a row of a table has none
        self._rows += 1
        if self._rows > MOST_XLSX_ROWS:
            raise TooManyRowsError
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                self._sheet.write_string(self._rows, column, cell)
            elif cell is not None:
                self._sheet.write_number(self._rows, column, cell)

    def finish(self, note: Note) -> None:
        sheet = self._book.add_worksheet("说明")
        for line, (label, value) in enumerate(note.lines):
            sheet.write_string(line, 0, label)
            sheet.write_string(line, 1, value)
        self._book.close()

    def close(self) -> None:
        """Let go of the rows of each sheet, which lie in files of their own until `finish` writes the book."""
        for sheet in self._book.worksheets():
            sheet.row_data_fh.close()


class GeoJsonWriter:
    """RFC 7946, one feature a line; foreign members name the datum and carry the note."""

    def __init__(self, path: Path, keys: Sequence[str], datum: str) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._keys = keys
        self._file.write(f'{{"type":"FeatureCollection","coord_type":{json.dumps(datum)},"features":[')
        self._first = True

    def row(self, cells: Sequence[Cell], feature: Any = None) -> None:
        properties = dict(zip(self._keys, cells, strict=True))
        point = {"type": "Point", "coordinates": [round(feature.longitude, 7), round(feature.latitude, 7)]}
        one = {"type": "Feature", "geometry": point, "properties": properties}
        self._file.write(("\n" if self._first else ",\n") + json.dumps(one, ensure_ascii=False))
        self._first = False

    def finish(self, note: Note) -> None:
        self._file.write(f'\n],"note":{json.dumps(dict(note.lines), ensure_ascii=False)}}}\n')
        self.close()

    def close(self) -> None:
        self._file.close()


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    for block in blocks_of(path):
        digest.update(block)
    return digest.hexdigest()


def blocks_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file, block by block."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


@contextmanager
def working_folder() -> Iterator[Path]:
    """A folder for one file, gone afterwards. What a killed worker left is removed by the next that makes one."""
    with tempfile.TemporaryDirectory(prefix=_FOLDER) as name:
        folder = Path(name)
        for other in folder.parent.glob(f"{_FOLDER}*"):
            # By the file system's own time: the product's clock may be ahead of it.
            if _changed(folder) - _changed(other) > _LEFT_BEHIND_S:
                shutil.rmtree(other, ignore_errors=True)
        yield folder


def _changed(folder: Path) -> float:
    """When something last happened in a folder, seconds since 1970; never, if another worker has just removed it."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except FileNotFoundError:
        return math.inf
