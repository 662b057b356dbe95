"""`python -m wxapi.reports.rules.diagram`: the workflow as a Mermaid diagram and as tables, for `docs/reports.md`.

The page holds them between marks; a test compares them, and the command with `--write FILE` renews them.
"""

import re
import sys
from pathlib import Path

from wxapi.reports.rules import workflow
from wxapi.reports.rules.state import PARTY_NAMES, STATE_NAMES, ReportState
from wxapi.reports.rules.words import ACTIONS

_ZH = {word.code: word.zh for word in ACTIONS.items}
_BLOCK = "<!-- {name}: made by python -m wxapi.reports.rules.diagram -->\n{text}\n<!-- end {name} -->"


def state_diagram() -> str:
    """States and the actions between them; what leaves the state as it is stands in the table only."""
    arrows: dict[tuple[ReportState, ReportState], list[str]] = {}
    for row in workflow.TABLE:
        for origin in row.from_states:
            if row.to_state not in {None, origin}:
                arrows.setdefault((origin, row.to_state), []).append(row.action)
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> submitted: file"]
    lines += [f"    {state}: {name} {state}" for state, name in STATE_NAMES.items()]
    lines += [
        f"    {origin} --> {to_state}: {' / '.join(dict.fromkeys(actions))}"
        for (origin, to_state), actions in arrows.items()
    ]
    return "\n".join([*lines, "```"])


def action_table() -> str:
    """The rows of the workflow as a Markdown table."""
    lines = ["| action | from → to | who | needs | may carry | remark |", "| --- | --- | --- | --- | --- | --- |"]
    for row in workflow.TABLE:
        to_state = row.to_state or ("what it was" if row.back_to else "unchanged")
        cells = (
            row.action,
            f"{', '.join(row.from_states)} → {to_state}",
            "、".join(PARTY_NAMES[party] for party in row.who),
            ", ".join(row.needs) or "–",
            ", ".join(row.takes) or "–",
            row.reason or "–",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def reason_table() -> str:
    """Why the workflow refuses a step, as a Markdown table."""
    return "\n".join(
        [
            "| reason | sentence |",
            "| --- | --- |",
            *(f"| `{code}` | {told} |" for code, told in workflow.reasons().items()),
        ]
    )


def api_table() -> str:
    """What people may do, in Chinese, for the OpenAPI document; the remarks are for who changes the table."""
    lines = ["| 操作 | 之前 → 之后的状态 | 谁 | 必填 | 可填 |", "| --- | --- | --- | --- | --- |"]
    for row in workflow.TABLE:
        if row.action in workflow.PUBLIC_ACTIONS:
            to_state = row.to_state or ("原来的状态" if row.back_to else "不变")
            cells = (
                f"`{row.action}` {_ZH[row.action]}",
                f"{'、'.join(row.from_states)} → {to_state}",
                "、".join(PARTY_NAMES[party] for party in row.who),
                "、".join(row.needs) or "–",
                "、".join(row.takes) or "–",
            )
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _blocks() -> dict[str, str]:
    return {"diagram": state_diagram(), "actions": action_table(), "reasons": reason_table()}


def renewed(page: str) -> str:
    """The page with its blocks as the table of today makes them."""
    for name, text in _blocks().items():
        block = _BLOCK.format(name=name, text=text)
        pattern = re.compile(rf"<!-- {name}: .*?<!-- end {name} -->", re.DOTALL)
        page = pattern.sub(block.replace("\\", r"\\"), page)
    return page


def main(arguments: list[str]) -> None:
    """Print the blocks, or renew them in a file."""
    if arguments[:1] == ["--write"]:
        path = Path(arguments[1])
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write("\n\n".join(_blocks().values()) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
