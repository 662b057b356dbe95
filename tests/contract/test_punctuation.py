"""Chinese sentences bear Chinese marks (GB/T 15834): no half-width mark stands between two characters."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff”）][,;:?!] ?[\u4e00-\u9fff“（]")
READ = sorted(
    [
        *(ROOT / "wxapi").rglob("*.py"),
        *(ROOT / "wxapi").rglob("*.html"),
        *(ROOT / "wxapi").rglob("*.js"),
        *(ROOT / "docs").glob("*.zh-CN.md"),
        *(ROOT / "wxapi" / "kernel" / "data").iterdir(),
        ROOT / "README.zh-CN.md",
    ]
)


def faults(text: str) -> list[str]:
    return [f"{number}: {line.strip()}" for number, line in enumerate(text.splitlines(), 1) if HALF_WIDTH.search(line)]


def test_what_people_read_has_full_width_marks() -> None:
    found = {str(path.relative_to(ROOT)): faults(path.read_text("utf-8")) for path in READ}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("wrong", ["已失效,请重新登录", "时间:明天", "是否办结?请确认", "（一）; 说明"])
def test_a_half_width_mark_is_seen(wrong: str) -> None:
    assert faults(wrong)
