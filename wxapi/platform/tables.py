"""A table that somebody hands in, CSV or XLSX: read one way, whatever it is a list of.

A file comes from outside: its bytes, rows, columns and cells are limited, and so is what an XLSX unpacks to.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from wxapi.kernel.errors import DomainError, InvalidError
from wxapi.kernel.file_text import EncodingError, decoded

_MAX_COLUMNS = 50
_MAX_PARTS = 200
# What an XLSX of 20,000 rows unpacks to is a tenth of it.
_MAX_UNPACKED = 48 << 20
_ZIP = b"PK\x03\x04"
# A workbook of before 2007, and one with a password, which is wrapped in such a one.
_OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0"
_SHOWN_FAULTS = 20

NumberedRow = tuple[int, dict[str, str]]


@dataclass(frozen=True, slots=True)
class SheetLimits:
    """How much a table may hold."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """The names of its columns, and its rows that are not empty, each with its number as the file counts them."""

    head: Sequence[str]
    rows: Sequence[NumberedRow]


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with a row; never what stands in it."""

    row: int
    sentences: tuple[str, ...]


def read_table(data: bytes, names: Mapping[str, str], limits: SheetLimits) -> Sheet:
    """Read a CSV (UTF-8, or GB 18030 as spreadsheets save it here) or the first sheet of an XLSX.

    Args:
        data: the file.
        names: the head of a column as an office writes it → the name it is read by; any other is its own name.
        limits: how much it may hold.

    Raises:
        InvalidError: `unreadable_file`, `too_many_rows`, `list_too_large`.
    """
    if len(data) > limits.bytes:
        raise InvalidError("list_too_large", f"文件不能超过 {limits.bytes >> 20} MB。")
    try:
        numbered = _sheet(data) if data.startswith(_ZIP) else _csv(data)
        head = [names.get(cell.strip(), cell.strip()) for cell in next(numbered, (1, []))[1]]
        rows = [
            (number, dict(zip(head, cells, strict=False)))
            for number, cells in islice(numbered, limits.rows + 1)
            if any(cell.strip() for cell in cells)
        ]
        more = len(rows) > limits.rows or next(numbered, None) is not None
    except DomainError:
        raise
    except Exception as error:  # what a broken sheet makes zipfile, zlib, the XML parser and openpyxl raise has no list
        raise InvalidError("unreadable_file", "无法读取，请使用 CSV（UTF-8 或 GB 18030 编码）或 XLSX。") from error
    if more:
        raise InvalidError("too_many_rows", f"超过 {limits.rows} 行，请分批导入。")
    return Sheet(head, rows)


def missing_columns(wanted: Iterable[str]) -> InvalidError:
    """The refusal of a table without these columns, named as an office would write them."""
    return InvalidError("unreadable_file", f"缺少列：{'、'.join(wanted)}。")


def told(faults: Sequence[RowFault]) -> str:
    """The first faults, one a line, and how many rows more are wrong."""
    lines = [f"第 {fault.row} 行：{'，'.join(fault.sentences)}。" for fault in faults[:_SHOWN_FAULTS]]
    more = len(faults) - _SHOWN_FAULTS
    return "\n".join([*lines, *([f"……另有 {more} 行有误。"] if more > 0 else [])])


def _csv(data: bytes) -> Iterator[tuple[int, list[str]]]:
    if data.startswith(_OLD_OR_LOCKED):
        raise InvalidError("unreadable_file", "是旧版 XLS 或加了密码的工作簿，请另存为不加密的 XLSX。")
    try:
        text = decoded(data)
    except EncodingError as error:
        raise InvalidError("unreadable_file", f"文件{error.sentence}") from error
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for cells in reader:
            yield reader.line_num, cells[:_MAX_COLUMNS]
    except csv.Error as error:  # such as a quote that nobody closed: all that follows is one cell
        raise InvalidError("unreadable_file", f"不是有效的 CSV（{error}）。") from error


def _sheet(data: bytes) -> Iterator[tuple[int, list[str]]]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        parts = packed.infolist()
        if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > _MAX_UNPACKED:
            raise InvalidError("list_too_large", "文件内容过大，请只保留名单工作表。")
    from openpyxl import load_workbook  # noqa: PLC0415 - slow to import, and few processes read one

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a file says of its own size is not believed
        for number, cells in enumerate(sheet.iter_rows(max_col=_MAX_COLUMNS, values_only=True), start=1):
            yield number, [_text(cell) for cell in cells]
    finally:
        book.close()


def _text(cell: Any) -> str:
    """A cell as it is read: numbers of an office's sheet, codes and phones among them, may be floats."""
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
