"""An empty list of people to be filled in and imported, with a second sheet that says how."""

import io

from wxapi.identity.services.roster_files import HEADS, MAX_ROWS
from wxapi.kernel.permissions import ROLE_NAMES

_WIDTHS = (12, 20, 16, 24, 44, 32)
# So many rows take a role from a list.
_READY = 2000
_EXPLAINED = (
    ("姓名", "必填，最多 50 字。"),
    ("职务", "如“党支部书记”；可不填。"),
    ("手机号", "必填，11 位。本人在小程序中绑定这个号码后自动任职。"),
    ("角色", "必填，从下拉列表中选。审计员的区域须为市，且不得与管理员为同一人。"),
    ("区域", "区划代码或全称，如“421002006001”或“荆州市沙市区立新街道江津西路社区居民委员会”。单位经办人不填。"),
    ("单位", "只由单位经办人填写：单位代码或名称，如“421002-zjj”或“沙市区住建局”；有同名单位的填代码。"),
    ("", f"每次最多 {MAX_ROWS} 行。先检查、不写入；有一行有误则全部不写入。重复导入不产生变化。"),
)


def blank() -> bytes:
    """The file (XLSX): the heads on the first sheet, nothing below them."""
    import xlsxwriter  # noqa: PLC0415 - slow to import, and few processes make one

    raw = io.BytesIO()
    book = xlsxwriter.Workbook(raw, {"in_memory": True})
    # As text: a spreadsheet makes a number of a phone or a code.
    bold, words, wrapped = (
        book.add_format(each) for each in ({"bold": True}, {"num_format": "@"}, {"text_wrap": True})
    )
    sheet = book.add_worksheet("名单")
    for column, (head, width) in enumerate(zip(HEADS, _WIDTHS, strict=True)):
        sheet.set_column(column, column, width, words)
        sheet.write_string(0, column, head, bold)
    role = HEADS.index("角色")
    sheet.data_validation(1, role, _READY, role, {"validate": "list", "source": list(ROLE_NAMES.values())})
    sheet.freeze_panes(1, 0)
    told = book.add_worksheet("填写说明")
    told.set_column(0, 0, 12)
    told.set_column(1, 1, 90, wrapped)
    for number, (head, text) in enumerate(_EXPLAINED):
        told.write_string(number, 0, head, bold)
        told.write_string(number, 1, text, wrapped)
    book.close()
    return raw.getvalue()
