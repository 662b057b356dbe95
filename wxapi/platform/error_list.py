"""All error codes, read from the source: `python -m wxapi.platform.error_list` makes docs/errors.md."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from wxapi.platform.problems import FRAMEWORK, STATUS

_ROOT = Path(__file__).parents[2]
_CLASSES = {kind.__name__: int(status) for kind, status in STATUS.items()}
_PAGE = """# Error codes

Every refusal is a problem document (RFC 9457): `code` is for programs and stays as it is, `detail` is a sentence for
the person. A client decides by `code`, shows `detail`, and treats a code that it does not know by its status. Where
the sentence holds a value, `…` stands for it.

Made by `python -m wxapi.platform.error_list > docs/errors.md`; a test holds it.

| status | code | sentence |
| --- | --- | --- |
"""


def page() -> str:
    """The page as Markdown."""
    rows = {(status, code, detail) for status, code, detail in _found()}
    rows |= {(status, code, detail) for status, (code, detail) in FRAMEWORK.items()}
    rows.add((500, "internal_error", "系统出错了，我们已记录，请稍后重试。"))
    lines = [f"| {status} | `{code}` | {detail} |" for status, code, detail in sorted(rows)]
    return _PAGE + "\n".join(lines) + "\n"


def _found() -> Iterator[tuple[int, str, str]]:
    for path in sorted(_ROOT.glob("wxapi/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name in _CLASSES and len(node.args) >= 2 and isinstance(node.args[0], ast.Constant):
                    yield _CLASSES[name], str(node.args[0].value), _sentence(node.args[1])


def _sentence(node: ast.expr) -> str:
    """A literal, or an f-string with its values left out."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "…" for each in node.values)
    return "…"


if __name__ == "__main__":
    sys.stdout.write(page())
