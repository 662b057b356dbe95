"""The roll as a spreadsheet for WPS and Excel, written row by row: memory does not grow with the roll."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from wxapi.kernel.clock import SHANGHAI
from wxapi.kernel.file_text import no_formula
from wxapi.training.rules.attendance import FLAG_NAMES, STATE_NAMES, FlagReason, State
from wxapi.training.rules.windows import VIA_NAMES, Via
from wxapi.training.services.export_roll import SheetRow

HEADERS = (
    "序号",
    "姓名",
    "状态",
    "报名方式",
    "签到时间",
    "签退时间",
    "签到方式",
    "离线补传",
    "距会场（米）",
    "提示",
    "备注",
)
_WIDTHS = (6, 16, 10, 10, 20, 20, 10, 10, 12, 32, 32)


def write(path: Path, title: str, rows: Iterable[SheetRow]) -> int:
    """Write the sheet to a file; returns how many people it lists."""
    import xlsxwriter  # noqa: PLC0415 - slow to import, and few processes make one

    workbook = xlsxwriter.Workbook(
        str(path), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    try:
        sheet = workbook.add_worksheet("考勤表")
        bold = workbook.add_format({"bold": True})
        for column, width in enumerate(_WIDTHS):
            sheet.set_column(column, column, width)
        sheet.write_string(0, 0, no_formula(title), bold)
        for column, header in enumerate(HEADERS):
            sheet.write_string(1, column, header, bold)
        sheet.freeze_panes(2, 2)
        count = 0
        for count, row in enumerate(rows, start=1):
            _write_row(sheet, count, row)
        return count
    finally:
        workbook.close()


def _write_row(sheet: Any, number: int, row: SheetRow) -> None:
    line = number + 1
    sheet.write_number(line, 0, number)
    cells = (
        row.name,
        STATE_NAMES[State(row.state)],
        "现场加入" if row.walk_in else "报名",
        _local(row.signed_in_at),
        _local(row.signed_out_at),
        VIA_NAMES[Via(row.via)] if row.via else "",
        "是" if row.late_upload else "",
        "" if row.distance_m is None else str(row.distance_m),
        "、".join(FLAG_NAMES[FlagReason(flag)] for flag in row.flags),
        row.reason,
    )
    for column, text in enumerate(cells, start=1):
        sheet.write_string(line, column, no_formula(text))


def _local(at: datetime | None) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S") if at else ""
