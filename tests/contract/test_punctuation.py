"""Chinese sentences bear Chinese marks (GB/T 15834): no half-width mark stands between two characters."""

import ast
import re
from collections.abc import Iterator
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


def said_of_fields(text: str) -> Iterator[ast.expr]:
    """Every sentence that a refusal in a module says of a field: an item of a list in `fields={…}`."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword) and node.arg == "fields" and isinstance(node.value, ast.Dict):
            for value in node.value.values:
                if isinstance(value, ast.List):
                    yield from value.elts
                elif isinstance(value, ast.ListComp):
                    yield value.elt


def end_of(sentence: ast.expr) -> str | None:
    """The text with which it ends; None where that is found out later."""
    if isinstance(sentence, ast.BinOp):
        return end_of(sentence.right)
    if isinstance(sentence, ast.JoinedStr):
        return end_of(sentence.values[-1]) if isinstance(sentence.values[-1], ast.Constant) else ""
    return str(sentence.value) if isinstance(sentence, ast.Constant) else None


def test_what_is_said_of_a_field_is_a_whole_sentence() -> None:
    ends = {
        f"{path.relative_to(ROOT)}:{sentence.lineno}": end_of(sentence)
        for path in sorted((ROOT / "wxapi").rglob("*.py"))
        for sentence in said_of_fields(path.read_text("utf-8"))
    }
    assert len(ends) > 40
    assert {where: end for where, end in ends.items() if end is not None and not end.endswith("。")} == {}
