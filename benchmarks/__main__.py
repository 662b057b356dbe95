"""`python -m benchmarks [name…]`: measure the named ones, or all, and say what passes.

Every other file of this folder defines `run() -> list[Result]` and is named on the command line by its file name;
files with a leading underscore are left out. The exit code is 1 when a ratio misses its goal.
"""

import ast
import sys
from importlib import import_module
from pathlib import Path
from typing import cast

from benchmarks.report import Result, table

_NOT_BENCHMARKS = {"__init__", "__main__", "report"}


def names() -> list[str]:
    """The benchmarks there are: files of this folder without a leading underscore."""
    found = (path.stem for path in Path(__file__).parent.glob("*.py"))
    return sorted(name for name in found if name not in _NOT_BENCHMARKS and not name.startswith("_"))


def help_text() -> str:
    """How it is called, and each benchmark with the first line of what it says of itself."""
    listed = []
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem in names():
            said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
            listed.append(f"  {path.stem:<14} {said.partition(chr(10))[0]}")
    return "\n".join([*(__doc__ or "").strip().splitlines(), "", *listed])


def main(wanted: list[str]) -> int:
    """Run the wanted benchmarks (all, if none is named), then print the table."""
    if {"--help", "-h"} & set(wanted):
        print(help_text())
        return 0
    unknown = sorted(set(wanted) - set(names()))
    if unknown:
        print(f"No benchmark named {', '.join(unknown)}. There are: {', '.join(names())}.", file=sys.stderr)
        return 2
    results: list[Result] = []
    for name in wanted or names():
        print(f"{name} ...", file=sys.stderr, flush=True)
        results += cast("list[Result]", import_module(f"benchmarks.{name}").run())
    print(table(results))
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
