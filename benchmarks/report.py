"""One measured figure beside its limit, and the table that shows them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from unicodedata import east_asian_width


@dataclass(frozen=True, slots=True)
class Result:
    """What ours did beside what a fair small program did in the same run.

    Args:
        name: what was measured.
        ours: our figure, in `unit`.
        limit: the fair small program's figure, in `unit`.
        unit: such as "µs" or "/s".
        goal: the smallest ratio that passes.
        higher_is_better: True for rates ("/s"), False for durations.
        of_medians: the same ratio of the medians of all rounds, where `ours` and `limit` are of the best ones.
        of_processor: the same ratio of the processor time taken, which other work on the machine moves least.
        of_no_front: the same ratio beside the limit without the product's front, where it has one.
    """

    name: str
    ours: float
    limit: float
    unit: str
    goal: float
    higher_is_better: bool = False
    of_medians: float | None = None
    of_processor: float | None = None
    of_no_front: float | None = None

    @property
    def ratio(self) -> float:
        """How much of the limit's speed ours reaches; more is better, whatever the unit."""
        return self.ours / self.limit if self.higher_is_better else self.limit / self.ours

    @property
    def ok(self) -> bool:
        return self.ratio >= self.goal


def best_of(rounds: int, measure: Callable[[], object]) -> float:
    """Seconds of the quickest of `rounds` runs: the run that other work on the machine disturbed least."""
    return min(_seconds(measure) for _ in range(rounds))


def p95(times: Sequence[float]) -> float:
    """The time that 95 of 100 measurements stay below, in their unit."""
    return sorted(times)[int(len(times) * 0.95)]


def table(results: Sequence[Result]) -> str:
    """The results as lines of text with aligned columns."""
    head = ("benchmark", "ours", "limit", "unit", "ratio", "medians", "processor", "no front", "goal", "")
    rows = [head, *(_cells(result) for result in results)]
    widths = [max(_width(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(_line(row, widths) for row in rows)


def _seconds(measure: Callable[[], object]) -> float:
    start = perf_counter()
    measure()
    return perf_counter() - start


def _cells(result: Result) -> tuple[str, ...]:
    return (
        result.name,
        f"{result.ours:,.1f}",
        f"{result.limit:,.1f}",
        result.unit,
        f"{result.ratio:.2f}",
        *("" if share is None else f"{share:.2f}" for share in _other_ratios(result)),
        f"{result.goal:.2f}",
        "pass" if result.ok else "MISS",
    )


def _other_ratios(result: Result) -> tuple[float | None, ...]:
    return result.of_medians, result.of_processor, result.of_no_front


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()


def _width(text: str) -> int:
    """Columns on a terminal: Chinese characters take two."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)
