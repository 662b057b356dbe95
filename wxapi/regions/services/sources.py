"""Files an operator hands in: GeoJSON of boundaries, CSV or XLSX of the tree, each also gzipped."""

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wxapi.kernel.errors import InvalidError
from wxapi.kernel.file_text import EncodingError, decoded
from wxapi.platform.tables import SheetLimits, missing_columns, read_table
from wxapi.regions.rules.checking import Entry

# Prefixes of names, and EPSG numbers, of what cannot be converted without the state's secret parameters.
_XIAN_1980 = {4610, *range(2327, 2391)}
_BEIJING_1954 = {4214, *range(2401, 2443), *range(21413, 21464), *range(21473, 21484)}
_CGCS2000_PROJECTED = range(4491, 4555)
_IN_DEGREES = {4326, 4490, 4979}
_COLUMNS = ("code", "name", "level", "parent")
_TABLES = (".csv", ".xlsx")
# A province's grids are fewer.
_LIMITS = SheetLimits(rows=200_000, bytes=64 << 20)


def read_file(path: Path) -> list[Entry]:
    """Read a .geojson, .json, .csv or .xlsx file, also with .gz behind.

    Raises:
        InvalidError: `unreadable_file`, `too_many_rows`, `list_too_large` or `unsupported_crs`; a feature's own faults
            are found later.
    """
    data = _bytes(path)
    if path.name.lower().removesuffix(".gz").endswith(_TABLES):
        return list(_rows(path.name, data))
    try:
        document = json.loads(decoded(data))
    except EncodingError as error:
        raise _unreadable(path.name, error.sentence.rstrip("。")) from error
    except (ValueError, RecursionError) as error:
        raise _unreadable(path.name, f"不是有效的 JSON（{error}）") from error
    return list(_features(path.name, document))


def _bytes(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _unreadable(path.name, "gzip 数据已损坏") from error


def _rows(name: str, data: bytes) -> Iterator[Entry]:
    try:
        table = read_table(data, {}, _LIMITS)
        if missing := [column for column in _COLUMNS if column not in table.head]:
            raise missing_columns(missing)
    except InvalidError as error:  # several files come at once
        raise InvalidError(error.code, f"{name}：{error.detail}") from error
    for number, row in table.rows:
        code, title, level, parent = (row.get(column, "").strip() for column in _COLUMNS)
        yield Entry(f"{name} 第 {number} 行", code, title, level or None, parent or None, None)


def _features(name: str, document: object) -> Iterator[Entry]:
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        raise _unreadable(name, "应为 GeoJSON 的 FeatureCollection")
    _check_crs(name, document.get("crs"))
    for number, feature in enumerate(document["features"]):
        where = f"{name} features[{number}]"
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(properties, dict):
            raise _unreadable(where, "应为带有 properties 的 Feature")
        yield Entry(
            where=where,
            code=_property(properties, "code") or "",
            name=_property(properties, "name") or "",
            level=_property(properties, "level"),
            parent=_property(properties, "parent"),
            # A feature promises a boundary: without one it is refused, unlike a row of a CSV.
            geometry=feature.get("geometry") or {},
        )


def _property(properties: dict[str, Any], key: str) -> str | None:
    """A property as text: mapping programs like to make numbers of codes."""
    value = properties.get(key)
    return None if value is None else str(value)


def _check_crs(name: str, crs: object) -> None:
    """Refuse what the file itself says about its coordinate system, where it cannot be right."""
    if crs is None:
        return
    said = json.dumps(crs, ensure_ascii=False)
    number = re.search(r"EPSG:+(?:[0-9.]*:)?(\d{4,5})\b", said)
    epsg = int(number[1]) if number else None
    if epsg in _XIAN_1980 or re.search(r"xi.?an", said, re.IGNORECASE):
        raise _unsupported(name, "1980 西安坐标系", "没有公开的转换参数，请先由测绘部门转换为 CGCS2000 经纬度")
    if epsg in _BEIJING_1954 or re.search(r"beijing", said, re.IGNORECASE):
        raise _unsupported(name, "1954 北京坐标系", "没有公开的转换参数，请先由测绘部门转换为 CGCS2000 经纬度")
    if epsg is not None and epsg not in _IN_DEGREES:
        hint = "以米为单位的投影坐标" if epsg in _CGCS2000_PROJECTED else "不支持的坐标系"
        raise _unsupported(name, f"EPSG:{epsg}（{hint}）", "请先转换为经纬度（EPSG:4490）再导入")


def _unsupported(name: str, what: str, advice: str) -> InvalidError:
    return InvalidError("unsupported_crs", f"{name}：坐标系为 {what}，{advice}。")


def _unreadable(where: str, why: str) -> InvalidError:
    return InvalidError("unreadable_file", f"{where}：{why}。")
