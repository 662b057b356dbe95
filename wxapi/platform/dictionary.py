"""What every table and column holds, from `data/columns.toml` of each feature: comments of the database, and two pages.

`python -m wxapi.platform.dictionary` writes docs/data-dictionary.zh-CN.md and docs/personal-data.zh-CN.md.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from sqlalchemy import Column, Connection, Inspector, MetaData, Table, inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import SetColumnComment, SetTableComment

from wxapi.platform.db import Base

_PACKAGE = Path(__file__).parents[1]
_DOCS = _PACKAGE.parent / "docs"
_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
_ANYWHERE, _TABLE = "*", "_"
_PLATFORM = ("audit", "audit_chain", "heartbeat", "idempotency", "keys", "outbox", "refusals")

DICTIONARY = _DOCS / "data-dictionary.zh-CN.md"
PERSONAL = _DOCS / "personal-data.zh-CN.md"
_MADE = "由 `python -m wxapi.platform.dictionary` 生成，由测试核对；文字在各功能的 `data/columns.toml` 里。"
_DICTIONARY_HEAD = f"""# 数据字典

数据库的每一张表、每一列。同样的文字也在数据库的注释里（`\\d+ 表名`），由 `database upgrade` 写入。
“个人”一列标明的，用途和期限见
[personal-data.zh-CN.md](personal-data.zh-CN.md)。

{_MADE}
"""
_COLUMNS_HEAD = "| 列 | 类型 | 可空 | 说明 | 个人 |\n| --- | --- | --- | --- | --- |\n"
_PERSONAL_HEAD = f"""# 个人信息清单

供个人信息保护影响评估（《个人信息保护法》第五十五条）和小程序的隐私指引使用。

- “加密”为 AES-256-GCM，密钥在数据库之外；“摘要”为带密钥的 HMAC，只能比对，不能还原；“人员编号”为随机编号，
  注销后不再与人对应。
- 期限里的代码是 `flask --app wsgi retention show` 所列的类别，天数可以在 `WXAPI_RETENTION` 里改。
- 本人用 `GET /api/v1/me/data` 查看全部，用 `DELETE /api/v1/me` 注销。英文概要见 [personal-data.md](personal-data.md)。
- 照片和导出的文件在对象存储里，随表中的记录一起删除。除微信（登录、手机号、订阅消息、内容审核）外，不向任何第三方提供。

{_MADE}

| 表 | 列 | 是什么 | 用途 | 期限 | 形式 |
| --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class ColumnWords:
    """What a column holds; the other three are empty where it is nothing of a person."""

    what: str
    purpose: str = ""
    kept: str = ""
    stands: str = ""


@cache
def words() -> Mapping[str, Mapping[str, ColumnWords]]:
    """Table → column → its words; the table's own stand under `_`.

    Raises:
        ValueError: a table stands in two files, or an entry has neither one text nor four.
    """
    found: dict[str, dict[str, ColumnWords]] = {}
    for file in sorted(_PACKAGE.glob("*/data/columns.toml")):
        for table, columns in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if table in found:
                raise ValueError(f"{table} stands in two files")
            found[table] = {name: _entry(f"{table}.{name}", told) for name, told in columns.items()}
    return found


def of_column(table: str, column: str) -> ColumnWords | None:
    """The words of a column: its own, or those of columns of that name anywhere."""
    return words().get(table, {}).get(column) or words()[_ANYWHERE].get(column)


def load_models() -> MetaData:
    """Import the models of all features and of the platform; returns their tables."""
    package = import_module("wxapi")
    for feature in iter_modules(package.__path__):
        if feature.ispkg and any(m.name == "models" for m in iter_modules([str(_PACKAGE / feature.name)])):
            import_module(f"wxapi.{feature.name}.models")
    for name in _PLATFORM:
        import_module(f"wxapi.platform.{name}")
    return Base.metadata


def attach(metadata: MetaData) -> None:
    """Give the tables and columns their comments."""
    for table in metadata.tables.values():
        own = words().get(table.name, {}).get(_TABLE)
        table.comment = own.what if own else None
        for column in table.columns:
            told = of_column(table.name, column.name)
            column.comment = _comment(told) if told else None


def write_comments(connection: Connection, metadata: MetaData) -> None:
    """Bring the database's comments up to date, table by table; a table or column that is not there yet is left out."""
    there = inspect(connection)
    changes = [list(_changes(there, table)) for table in metadata.sorted_tables if there.has_table(table.name)]
    connection.rollback()  # what the reading began
    for of_table in changes:
        with connection.begin():
            for change in of_table:
                connection.execute(change)


def _changes(there: Inspector, table: Table) -> Iterator[SetTableComment | SetColumnComment]:
    if table.comment != there.get_table_comment(table.name)["text"]:
        yield SetTableComment(table)
    old = {each["name"]: each.get("comment") for each in there.get_columns(table.name)}
    yield from (SetColumnComment(each) for each in table.columns if each.comment != old.get(each.name, each.comment))


def dictionary_page(metadata: MetaData) -> str:
    """The text of docs/data-dictionary.zh-CN.md: every table and column, and what it holds."""
    return _DICTIONARY_HEAD + "".join(_sections(metadata))


def personal_page(metadata: MetaData) -> str:
    """The text of docs/personal-data.zh-CN.md: the columns that hold something of a person, why and how long."""
    return _PERSONAL_HEAD + "".join(
        f"| `{table}` | `{column.name}` | {told.what} | {told.purpose} | {told.kept} | {told.stands} |\n"
        for table in sorted(metadata.tables)
        for column in metadata.tables[table].columns
        if (told := of_column(table, column.name)) and told.purpose
    )


def _sections(metadata: MetaData) -> Iterator[str]:
    for name in sorted(metadata.tables):
        yield f"\n## {name}\n\n{_what(name, _TABLE)}\n\n{_COLUMNS_HEAD}"
        yield from (_line(name, column) for column in metadata.tables[name].columns)


def _line(table: str, column: "Column[object]") -> str:
    told = of_column(table, column.name)
    person = "是" if told and told.purpose else ""
    null = "可" if column.nullable else ""
    marks = "主键。" if column.primary_key else ""
    marks += "".join(sorted(f"→ `{key.target_fullname}`。" for key in column.foreign_keys))
    kind = " ".join(str(column.type.compile(_POSTGRESQL)).split())
    what = _what(table, column.name) + (f"。{marks}" if marks else "")
    return f"| `{column.name}` | {kind} | {null} | {what} | {person} |\n"


def _what(table: str, column: str) -> str:
    told = of_column(table, column)
    return told.what if told else ""


def _comment(told: ColumnWords) -> str:
    return f"{told.what}（个人信息：{told.stands}）" if told.purpose else told.what


def _entry(name: str, told: object) -> ColumnWords:
    if isinstance(told, str):
        return ColumnWords(told)
    if isinstance(told, list) and len(told) == 4:
        return ColumnWords(*map(str, told))
    raise ValueError(f"{name} wants one text, or four")


if __name__ == "__main__":
    everything = load_models()
    DICTIONARY.write_text(dictionary_page(everything), encoding="utf-8")
    PERSONAL.write_text(personal_page(everything), encoding="utf-8")
