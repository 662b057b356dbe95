"""Training's Chinese is written as an office writes it, and every code has its word."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import wxapi.training
from wxapi.training.rules import words
from wxapi.training.rules.attendance import FlagReason, State
from wxapi.training.rules.sessions import SessionState, TrainingKind
from wxapi.training.rules.windows import Via

HAN = "[\u4e00-\u9fff”]"
# A half-width mark beside a Chinese character; one that ends or begins a piece of an f-string stands beside it, too.
HALF = re.compile(f"{HAN}[,;:!?()]|[(]{HAN}")
SOURCES = sorted(Path(wxapi.training.__file__).parent.rglob("*.py"))


def shown(source: Path) -> Iterator[str]:
    """String literals but docstrings."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_marks_are_full_width(source: Path) -> None:
    assert [text for text in shown(source) if HALF.search(text)] == []


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        (words.SESSION_KINDS, TrainingKind),
        (words.SESSION_STATES, SessionState),
        (words.ATTENDANCE_STATES, State),
        (words.FLAG_REASONS, FlagReason),
        (words.SIGN_IN_WAYS, Via),
    ],
)
def test_every_code_has_its_word(group, codes) -> None:
    assert {word.code for word in group.items} == {str(code) for code in codes}
    assert group in words.WORDS
