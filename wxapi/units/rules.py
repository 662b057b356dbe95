"""What a unit is: its code, its kind, and which unit stands above it. Pure.

A region is the unit of its own committee, office or government, by its own code. Every other unit hangs on a region:
`<region code>-<suffix>`, so that "at or below" stays a prefix.
"""

import re
from enum import StrEnum

from wxapi.kernel.errors import InvalidError
from wxapi.regions.rules.levels import level_of, parent_of, region_of

MAX_NAME = 60
_SUFFIX = re.compile(r"[a-z0-9]{2,12}")
# 15 digits of a grid, the dash, 12 characters.
LONGEST_CODE = 28


class UnitKind(StrEnum):
    """What a unit is by law. `region` is the region's own office."""

    REGION = "region"
    DEPARTMENT = "department"
    COMPANY = "company"
    BRANCH = "branch"
    OTHER = "other"


UNIT_KIND_NAMES = {
    UnitKind.REGION: "村（社区）、乡镇（街道）或政府",
    UnitKind.DEPARTMENT: "部门",
    UnitKind.COMPANY: "企业",
    UnitKind.BRANCH: "党支部",
    UnitKind.OTHER: "其他单位",
}


class UnitField(StrEnum):
    """The field of party building a unit belongs to (党建领域)."""

    RURAL = "rural"
    URBAN = "urban"
    AGENCY = "agency"
    SCHOOL = "school"
    SOE = "soe"
    HOSPITAL = "hospital"
    TWO_NEW = "two_new"


UNIT_FIELD_NAMES = {
    UnitField.RURAL: "农村",
    UnitField.URBAN: "城市社区",
    UnitField.AGENCY: "机关",
    UnitField.SCHOOL: "学校",
    UnitField.SOE: "国有企业",
    UnitField.HOSPITAL: "公立医院",
    UnitField.TWO_NEW: "两新组织",
}


class MatterKind(StrEnum):
    """The three parts of a township's list of duties (履职事项清单)."""

    BASIC = "basic"
    COOPERATE = "cooperate"
    TAKEN_BACK = "taken_back"


MATTER_KIND_NAMES = {
    MatterKind.BASIC: "基本履职事项",
    MatterKind.COOPERATE: "配合履职事项",
    MatterKind.TAKEN_BACK: "上级部门收回事项",
}


def unit_code(region_code: str, suffix: str) -> str:
    """The code of a unit that hangs on a region.

    Raises:
        InvalidError: `suffix_invalid`.
    """
    if not _SUFFIX.fullmatch(suffix):
        raise InvalidError(
            "suffix_invalid",
            "单位代码后缀须为 2–12 位小写字母或数字。",
            fields={"suffix": ["须为 2–12 位小写字母或数字。"]},
        )
    return f"{region_code}-{suffix}"


def is_region(code: str) -> bool:
    """Whether the unit is a region's own office."""
    return level_of(code) is not None


def is_unit_code(code: str) -> bool:
    """Whether a text has the form of a unit's code."""
    region, dash, suffix = code.partition("-")
    return level_of(region) is not None and (not dash or _SUFFIX.fullmatch(suffix) is not None)


def above(code: str) -> str | None:
    """The unit that stands above: a region's parent; of any other unit its region's own office. None for a city."""
    return parent_of(code) if is_region(code) else region_of(code)
