"""The classes of reports: names, limits, who acts, and the four classes that are not taken at all."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from types import MappingProxyType

from wxapi.kernel.city import city
from wxapi.kernel.city_rules import CONFIDENTIAL_FAMILY, CategoryRow, CityRules
from wxapi.kernel.deadlines import Limits
from wxapi.kernel.errors import InvalidError
from wxapi.regions.rules.levels import Level

# Not taken, nothing stored: the refusal tells where to turn instead.
_NOT_TAKEN = {
    "X0901": (
        "call_emergency",
        "如有生命危险，请立即拨打110（报警）、119（火警）或120（急救）。这里不受理紧急求助，内容未保存。",
    ),
    "X0902": (
        "private_matter",
        "谢谢您的关心。涉及他人私人生活的事情不便在这里受理，您填写的内容没有保存。",
    ),
    "X0903": (
        "redirect_12388",
        "检举控告请拨打12388或登录12388举报网站，由纪检监察机关受理。这里不受理，内容未保存。",
    ),
    "X0904": (
        "redirect_12345",
        "与具体地点无关的咨询和建议，请拨打12345政务服务便民热线。这里不受理，内容未保存。",
    ),
}


@dataclass(frozen=True, slots=True)
class Category:
    """One class of reports. Hours are working hours, or plain hours when urgent."""

    code: str
    kind: str
    major_name: str
    name: str
    respond_hours: int
    resolve_hours: int
    urgent: bool
    desk_level: Level
    retired: bool = False

    @property
    def family(self) -> str:
        """Kind and major class, `E01`: the same sort of problem, when looking for duplicates."""
        return self.code[:3]

    @property
    def confidential(self) -> bool:
        """Whether the village of the place is excluded."""
        return self.family == CONFIDENTIAL_FAMILY

    @property
    def taken(self) -> bool:
        """Whether reports of the class are stored at all."""
        return self.code not in _NOT_TAKEN

    @property
    def limits(self) -> Limits:
        return _limits(self.respond_hours, self.resolve_hours, urgent=self.urgent)


@cache
def _limits(respond_hours: int, resolve_hours: int, *, urgent: bool) -> Limits:
    return Limits(timedelta(hours=respond_hours), timedelta(hours=resolve_hours), urgent)


def all_categories() -> MappingProxyType[str, Category]:
    """Every class by code, in the order of the city's table (`categories.csv` of its folder)."""
    return _of_city(city())


@cache
def _of_city(rules: CityRules) -> MappingProxyType[str, Category]:
    return MappingProxyType({row.code: _category(row) for row in rules.categories})


def category_of(code: str) -> Category:
    """The class a stored report bears. One that the table no longer has still has its code, and common limits."""
    return all_categories().get(code) or _unknown(code)


def category_to_show(code: str) -> Category:
    """The class that a person names, to look at reports of it.

    Raises:
        InvalidError: `unknown_category`.
    """
    found = all_categories().get(code)
    if found is None:
        raise InvalidError(
            "unknown_category", "没有这个问题类别，请重新选择。", fields={"category_code": ["未知类别。"]}
        )
    return found


def category_to_file(code: str) -> Category:
    """The class a new report may be filed under.

    Raises:
        InvalidError: `unknown_category`, or for what is not taken `call_emergency`, `private_matter`,
            `redirect_12388`, `redirect_12345`; `category_retired`.
    """
    found = category_to_show(code)
    if found.retired:
        raise InvalidError(
            "category_retired", "该问题类别已停用，请重新选择。", fields={"category_code": ["该类别已停用。"]}
        )
    if code in _NOT_TAKEN:
        raise InvalidError(*_NOT_TAKEN[code])
    return found


def _category(row: CategoryRow) -> Category:
    return Category(
        code=row.code,
        kind=row.kind,
        major_name=row.major_name,
        name=row.name,
        respond_hours=row.respond_hours,
        resolve_hours=row.resolve_hours,
        urgent=row.urgent,
        desk_level=Level(row.desk_level),
        retired=row.retired,
    )


def _unknown(code: str) -> Category:
    return Category(
        code, "", "", f"已停用的类别（{code}）", 2, 40, urgent=False, desk_level=Level.VILLAGE, retired=True
    )
