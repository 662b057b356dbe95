"""What is counted, and how rates are made of counts: the definitions that are served, beside the code that counts.

The counts are those of Chinese city management (GB/T 30428 family): the denominator of a rate is what was due in the
period, whenever it began. 郑州's published week 2019-04-08 and 天门's month 2016-12 agree with these formulas.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

DEFINITIONS_VERSION = "1"
# A rate of fewer is marked: a list sorted by it puts it last.
SMALL = 10
RATED_FROM = 5


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one row. All add up: over groups, over children of a place, over months."""

    due: int = 0
    on_time: int = 0
    late: int = 0
    open_overdue: int = 0
    pending: int = 0
    inherited: int = 0
    held: int = 0
    received: int = 0
    returned: int = 0
    reworked: int = 0
    extended: int = 0
    held_new: int = 0
    self_settled: int = 0
    filed: int = 0
    closed: int = 0
    refused: int = 0
    withdrawn: int = 0
    merged: int = 0
    rated: int = 0
    rating_sum: int = 0


COUNTED = tuple(field.name for field in fields(Counts))


def total(rows: Iterable[Counts]) -> Counts:
    """Several rows added up, count by count."""
    listed = list(rows)
    return Counts(**{name: sum(getattr(row, name) for row in listed) for name in COUNTED})


@dataclass(frozen=True, slots=True)
class Measure:
    """One definition as it is served; a count has no denominator."""

    name: str
    zh: str
    numerator: str
    denominator: str | None
    formula_zh: str
    source: str


_OURS = "本系统"
_CITY = "GB/T 30428 系列及各地评价办法"
MEASURES: tuple[Measure, ...] = (
    Measure(
        "due", "应办数", "due", None, "期内到期的事项，不含到期前转出、终止、自处置、转来已超期和计时暂停的", _CITY
    ),
    Measure("on_time", "按期数", "on_time", None, "应办数中，不晚于时限办结的", _CITY),
    Measure("late", "超期数", "late", None, "应办数中，时限之后才办结或转出的", _CITY),
    Measure("open_overdue", "超期未办数", "open_overdue", None, "应办数中，已过时限仍未办结的", _CITY),
    Measure("pending", "未到期数", "pending", None, "应办数中，尚未到时限的", _CITY),
    Measure("inherited", "转来已超期数", "inherited", None, "到达本单位时已过时限的，由届满时的承办单位负责", _OURS),
    Measure("held", "挂账数", "held", None, "当前计时暂停的（待补充说明、挂账）", _CITY),
    Measure("received", "接收数", "received", None, "期内到达本单位的事项", _CITY),
    Measure("returned", "回退数", "returned", None, "期内退回的次数", _CITY),
    Measure("reworked", "返工数", "reworked", None, "期内评价不满意、要求重新办理的次数", _CITY),
    Measure("extended", "延期数", "extended", None, "期内批准延期的次数", _CITY),
    Measure("held_new", "新增挂账数", "held_new", None, "期内批准挂账的次数", _CITY),
    Measure("self_settled", "自处置数", "self_settled", None, "上报人所在单位自行办结的，只计入此项", _CITY),
    Measure("filed", "上报数", "filed", None, "期内上报的件数", _CITY),
    Measure("closed", "结案数", "closed", None, "期内结案的次数", _CITY),
    Measure("refused", "不予受理数", "refused", None, "期内不予受理的次数", _CITY),
    Measure("withdrawn", "撤回数", "withdrawn", None, "期内上报人撤回的件数", _CITY),
    Measure("merged", "合并办理数", "merged", None, "期内合并办理的件数", _CITY),
    Measure("on_time_rate", "按期率", "on_time", "due", "按期数 ÷ 应办数", _CITY),
    Measure("met_rate", "完成率", "met", "due", "（按期数＋超期数）÷ 应办数", _CITY),
    Measure("rework_rate", "返工率", "reworked", "due", "返工数 ÷ 应办数", "郑州市数字城管周报 2019年4月8日"),
    Measure("extension_rate", "延期率", "extended", "due", "延期数 ÷ 应办数", "郑州市数字城管周报 2019年4月8日"),
    Measure("return_rate", "回退率", "returned", "received", "回退数 ÷ 接收数", _OURS),
    Measure("rating_mean", "满意度均分", "rating_sum", "rated", "评分之和 ÷ 评分数，满 5 个评分起显示", _OURS),
    Measure("rated_rate", "评价率", "rated", "closed", "评分数 ÷ 结案数", _OURS),
)
# Of a whole table, not of its rows: middles of parts do not add up.
USED_TIME = Measure(
    "used_time",
    "处置时长",
    "used_time",
    None,
    "期内办结的事项所用工作时间的中位数和 90% 分位数，不含自处置和计时暂停的时间；紧急类别按自然时间计",
    _OURS,
)
DEFINITIONS = (*MEASURES, USED_TIME)


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate with both its numbers; `value` is None where the denominator is 0 or the rate may not be shown.

    Of a rate that may not be shown `num` is None too: dividing would show it.
    """

    num: int | None
    den: int
    value: float | None
    small: bool


def rates(counts: Counts) -> dict[str, Rate]:
    """Rates by the name of their measure; the mean of too few ratings is hidden (None)."""
    found = {}
    for measure in MEASURES:
        if measure.denominator is None:
            continue
        num = counts.on_time + counts.late if measure.numerator == "met" else getattr(counts, measure.numerator)
        den = getattr(counts, measure.denominator)
        hidden = measure.name == "rating_mean" and _few_ratings(counts)
        value = round(num / den, 4) if den and not hidden else None
        found[measure.name] = Rate(None if hidden else num, den, value, 0 < den < SMALL)
    return found


def _few_ratings(counts: Counts) -> bool:
    """Whether a mean of so few ratings is told to nobody."""
    return 0 < counts.rated < RATED_FROM


def hide_small(cells: Mapping[str, int]) -> dict[str, int | str]:
    """Counts of persons or confidential reports: 1 to 4 become `<5`.

    Of cells without a total: beside one, a cell that is hidden alone could be found by subtracting the others.
    """
    return {key: "<5" if 1 <= value <= 4 else value for key, value in cells.items()}


def counts_dict(counts: Counts) -> dict[str, Any]:
    """A row's counts by name, as the definitions name them; not the sum of a few ratings, which tells their mean."""
    told = {name: getattr(counts, name) for name in COUNTED}
    return told | {"rating_sum": None} if _few_ratings(counts) else told
