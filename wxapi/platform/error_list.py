"""All error codes, read from the source; `python -m wxapi.platform.error_list` writes them down.

Both docs/errors.md, and the file from which the OpenAPI document names the refusals of each operation.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from wxapi.platform.problems import FRAMEWORK
from wxapi.platform.refusals_found import ROOT, FoundRefusal, Source

PAGE = ROOT / "docs" / "errors.md"
FILE = Path(__file__).parent / "data" / "refusals.json"
_HEAD = """# Error codes

Every refusal is a problem document (RFC 9457): `code` is for programs and stays as it is, `detail` is a sentence for
the person. A client decides by `code`, shows `detail`, and treats a code that it does not know by its status. Where
the sentence holds a value, `…` stands for it. Which call answers with which codes stands at each operation of the
OpenAPI document. A 429 and a 503 carry `Retry-After`.

Made by `python -m wxapi.platform.error_list`; a test holds it.

| status | code | sentence |
| --- | --- | --- |
"""
_FOOT = """
`409 action_not_available` tells in `reason` why not; null: the action is not in the table for this `state`. The
reasons stand with the workflow, in [reports.md](reports.md).
"""


def page(source: Source) -> str:
    """The page as Markdown."""
    lines = [f"| {status} | `{code}` | {detail} |" for status, code, detail in sorted(_all(source))]
    return _HEAD + "\n".join(lines) + "\n" + _FOOT


def data(source: Source) -> str:
    """The data file as JSON: `sentences` by status and code, `operations` with their codes by status."""
    operations = source.operations()
    content = {
        "sentences": {f"{status} {code}": detail for status, code, detail in sorted(_all(source), key=_last_is_best)},
        "operations": {name: _by_status(operations[name]) for name in sorted(operations)},
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _last_is_best(refusal: FoundRefusal) -> tuple[int, str, bool, str]:
    """Of several sentences the last one stays: one that says something by itself."""
    status, code, detail = refusal
    return status, code, not detail.startswith("…"), detail


def _all(source: Source) -> set[FoundRefusal]:
    own = {(status, code, detail) for status, (code, detail) in FRAMEWORK.items()}
    return source.all() | own | {(500, "internal_error", "系统出错了，我们已记录，请稍后重试。")}


def _by_status(refusals: Iterable[FoundRefusal]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for status, code, _ in refusals:
        found.setdefault(str(status), set()).add(code)
    return {status: sorted(found[status]) for status in sorted(found)}


if __name__ == "__main__":
    everything = Source()
    PAGE.write_text(page(everything), encoding="utf-8")
    FILE.write_text(data(everything), encoding="utf-8")
