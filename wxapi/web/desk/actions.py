"""The action panel: what may be done now, what each needs and what the reporter will read."""

from collections.abc import Sequence
from dataclasses import dataclass

from wxapi.kernel.city import city
from wxapi.platform.runtime import runtime
from wxapi.regions.rules.levels import Level, within
from wxapi.regions.services.lookup import tree
from wxapi.reports.notices import TOLD, NoticeAudience
from wxapi.reports.rules import workflow
from wxapi.reports.services.report_view import ReportView
from wxapi.web.kit import words
from wxapi.web.kit.times import calendar_day

_CITIZENS = frozenset({NoticeAudience.REPORTERS, NoticeAudience.REPORTER})
# Two cases side by side have a page of their own.
_ELSEWHERE = frozenset({"merge"})


@dataclass(frozen=True, slots=True)
class ActionChoice:
    """One action of the panel.

    Args:
        needs: fields that must be filled; `takes`: fields that may be.
        told: what the reporter will read, None when nothing.
        phrases: standard texts for the note.
    """

    code: str
    label: str
    needs: tuple[str, ...]
    takes: tuple[str, ...]
    told: str | None
    phrases: tuple[str, ...]


def choices_of(view: ReportView) -> list[ActionChoice]:
    """The actions a person may take on a report now."""
    return [_choice(code, view) for code in view.available_actions if code not in _ELSEWHERE]


def desk_choices(view: ReportView) -> list[tuple[str, str]]:
    """(code, name) of the units a report can be given to: its township and all below it, but the present one."""
    regions = tree()
    desk = view.desk.code if view.desk else view.region.code
    top = regions.get(within(desk, Level.TOWNSHIP)) or regions.get(within(view.region.code, Level.TOWNSHIP))
    if top is None:
        return []
    hidden = {desk} | ({view.region.code} if view.category.confidential else set())
    return [(each.code, each.name) for each in (top, *regions.children(top.code)) if each.code not in hidden]


def reason_choices(choices: Sequence[ActionChoice]) -> list[tuple[ActionChoice, list[tuple[str, str]]]]:
    """The actions that take a reason, each with (code, word) of those that are offered for it."""
    taking = [each for each in choices if "reason_code" in each.needs + each.takes]
    return [(each, list(words.names("reasons", for_action=each.code).items())) for each in taking]


def _choice(code: str, view: ReportView) -> ActionChoice:
    rows = [row for row in workflow.rows_of(code) if view.state in row.from_states]
    needs = tuple(dict.fromkeys(name for row in rows for name in row.needs))
    takes = tuple(dict.fromkeys(name for row in rows for name in row.takes))
    told = next((tell.words for tell in TOLD.get(code, ()) if tell.audience in _CITIZENS), None)
    readable = _readable(told, view, moves="desk_code" in needs) if told else None
    return ActionChoice(code, words.name("actions", code), needs, takes, readable, city().phrases.get(code, ()))


def _readable(told: str, view: ReportView, *, moves: bool) -> str:
    """The words of a message that is not sent yet. moves: it will come from the desk that is chosen."""
    desk = view.desk.name if view.desk and not moves else "（您选择的单位）"
    asked = next((each.review_on for each in view.asked_for if each.review_on), None)
    review_on = calendar_day(asked, runtime().clock.now()) if asked else "（复核日期）"
    return told.format(desk=desk, note="（您填写的说明）", review_on=review_on)
