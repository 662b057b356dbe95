"""Reading a city's folder: `city.toml`, and `categories.csv` by `city_categories`. What is absent is as shipped.

Every fault is found at the start and told with file, line and a sentence.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, time
from itertools import pairwise
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from wxapi.kernel.city_categories import CATEGORIES, read_categories
from wxapi.kernel.city_rules import CityError, CityRules, LadderRules, OfficeRules, Season, Span, WorkflowRules
from wxapi.kernel.file_text import EncodingError, decoded

SHIPPED = Path(__file__).parent / "data"
SETTINGS, SCHEMA = "city.toml", "city.schema.json"
_SAVE = "save it as UTF-8 (Excel: “CSV UTF-8”)."
_ALONGSIDE = re.compile(r".*\.(md|txt)|\..*")


def read_folder(folder: Path) -> CityRules:
    """The rules of a folder.

    Raises:
        CityError: the first fault.
    """
    if not folder.is_dir():
        raise CityError(str(folder), 0, "is no folder.")
    if folder != SHIPPED:
        _refuse_others(folder)
    shipped = _parsed(SETTINGS, _text(SHIPPED / SETTINGS))
    own = folder / SETTINGS
    text = _text(own) if own.is_file() else ""
    given = _plain(_parsed(SETTINGS, text))
    _check_schema(given, text)
    table = folder / CATEGORIES
    return _rules(_laid_over(shipped, given), text, _text(table if table.is_file() else SHIPPED / CATEGORIES))


def _refuse_others(folder: Path) -> None:
    try:
        found = sorted(folder.iterdir())
    except OSError as error:
        raise CityError(str(folder), 0, f"cannot be read: {error.strerror}.") from None
    for path in found:
        if path.name in {SETTINGS, CATEGORIES} and not path.is_file():
            # Taken for absent it would let the demo city's rules hold.
            raise CityError(path.name, 0, "is no file, or a link that leads nowhere.")
        if path.name not in {SETTINGS, CATEGORIES, SCHEMA} and not _ALONGSIDE.fullmatch(path.name):
            raise CityError(path.name, 0, f"is not read; a city's folder has {SETTINGS} and {CATEGORIES}.")


def _text(path: Path) -> str:
    try:
        # TOML is UTF-8 by its own definition; a table comes out of a spreadsheet.
        return decoded(path.read_bytes()) if path.suffix == ".csv" else path.read_text(encoding="utf-8-sig")
    except EncodingError as error:
        raise CityError(path.name, error.line, f"is neither UTF-8 nor GB 18030; {_SAVE}") from None
    except UnicodeDecodeError:
        raise CityError(path.name, 0, f"is not UTF-8; {_SAVE}") from None
    except OSError as error:
        raise CityError(path.name, 0, f"cannot be read: {error.strerror}.") from None


def _parsed(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        raise CityError(name, int(found[1]) if found else len(text.splitlines()), f"is not TOML: {error}.") from None


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """As the schema and everything behind it read it: a day or an hour without quotes, which JSON has not, as text."""
    plain: dict[str, Any] = json.loads(json.dumps(given, default=str))
    return plain


def _check_schema(given: Mapping[str, Any], text: str) -> None:
    schema = json.loads(_text(SHIPPED / SCHEMA))
    faults: list[ValidationError] = list(Draft202012Validator(schema).iter_errors(given))
    if faults:
        first = min(faults, key=lambda fault: _line(text, list(fault.absolute_path)))
        place = ".".join(map(str, first.absolute_path)) or "the file"
        raise CityError(SETTINGS, _line(text, _path_of(first)), f"{place}: {_sentence(first)}")


def _path_of(fault: ValidationError) -> list[str | int]:
    """Where the fault stands; an unknown name stands at itself, not at its section."""
    path = list(fault.absolute_path)
    if fault.validator == "additionalProperties" and isinstance(fault.instance, dict):
        known = fault.schema.get("properties", {}) if isinstance(fault.schema, dict) else {}
        path += [next(name for name in fault.instance if name not in known)]
    return path


def _sentence(fault: ValidationError) -> str:
    wanted = fault.schema.get("description") if isinstance(fault.schema, dict) else None
    return f"{fault.message}." + (f" It wants {wanted}." if wanted else "")


def _line(text: str, path: Sequence[str | int]) -> int:
    """The line where a key stands, as far as it can be told: of its section if not of the key."""
    names = [str(part) for part in path if isinstance(part, str)]
    lines, at = text.splitlines(), 0
    number = next((part for part in path if isinstance(part, int)), 0)
    for depth in range(len(names), 0, -1):
        header = re.compile(r"\s*\[{1,2}\s*" + re.escape(".".join(names[:depth])) + r"\s*\]{1,2}")
        found = [index for index, line in enumerate(lines) if header.match(line)]
        if found:
            at = found[min(number, len(found) - 1)]
            break
    else:
        depth = 0
    for name in names[depth : depth + 1]:
        key = re.compile(r"\s*\"?" + re.escape(name) + r"\"?\s*[=.]")
        at = next((index for index in range(at, len(lines)) if key.match(lines[index])), at)
    return at + 1


def line_of(folder: Path, path: Sequence[str]) -> int:
    """The line of a folder's `city.toml` where something stands, for faults that show only beside the program."""
    own = folder / SETTINGS
    return _line(_text(own) if own.is_file() else "", path)


def _laid_over(shipped: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The city's own, and of the rest what is shipped; lists, reasons, their actions and phrases are replaced whole."""
    merged = {**shipped, **given}
    for section in ("city", "office", "workflow", "ladder", "training"):
        merged[section] = {**shipped.get(section, {}), **given.get(section, {})}
    if "reason_actions" not in given:  # a city with a list of its own need not tell of what it left out
        merged["reason_actions"] = {
            code: actions for code, actions in shipped.get("reason_actions", {}).items() if code in merged["reasons"]
        }
    return merged


def _rules(found: Mapping[str, Any], text: str, table: str) -> CityRules:
    whose = found["city"]
    return CityRules(
        name=whose["name"],
        code=whose["code"],
        number_prefix=whose["number_prefix"],
        office=_office(found["office"], text),
        workflow=WorkflowRules(**found["workflow"]),
        ladder=_ladder(found["ladder"], text),
        categories=tuple(read_categories(table)),
        hour_rules=_hour_rules(found["training"]["hours"], text),
        reasons=found["reasons"],
        reason_actions={code: tuple(actions) for code, actions in found["reason_actions"].items()},
        phrases={action: tuple(said) for action, said in found["phrases"].items()},
        words=found.get("words", {}),
    )


def _ladder(raw: Mapping[str, int], text: str) -> LadderRules:
    ladder = LadderRules(**raw)
    if ladder.colour_percent >= ladder.remind_percent:
        line = _line(text, ["ladder", "colour_percent"])
        raise CityError(SETTINGS, line, "colour_percent wants less than remind_percent.")
    return ladder


def _office(raw: Mapping[str, Any], text: str) -> OfficeRules:
    seasons = tuple(_season(each, text, number) for number, each in enumerate(raw["seasons"]))
    begins = [season.begins for season in seasons]
    lengths = {sum(map(_minutes, season.spans)) for season in seasons}
    line = _line(text, ["office", "seasons"])
    if any(early >= late for early, late in pairwise(begins)):
        raise CityError(SETTINGS, line, "seasons want to stand in the order of the year, each day once.")
    if len(lengths) > 1:
        raise CityError(
            SETTINGS, line, "the working day of every season wants the same length: limits are counted in it."
        )
    holidays, workdays = _days(raw, "holidays", text), _days(raw, "workdays", text)
    if both := holidays & workdays:
        raise CityError(SETTINGS, _line(text, ["office", "workdays"]), f"{min(both)} is a holiday and a working day.")
    return OfficeRules(seasons, holidays, workdays)


def _days(raw: Mapping[str, Any], key: str, text: str) -> frozenset[date]:
    try:
        return frozenset(date.fromisoformat(str(day)) for day in raw[key])
    except ValueError:
        raise CityError(SETTINGS, _line(text, ["office", key]), f"{key}: a day that does not exist.") from None


def _hour_rules(raw: Sequence[Mapping[str, Any]], text: str) -> tuple[Mapping[str, Any], ...]:
    versions = [rule["version"] for rule in raw]
    for number, rule in enumerate(raw):
        line = _line(text, ["training", "hours", number])
        try:
            date.fromisoformat(rule["from"])
        except ValueError:
            raise CityError(SETTINGS, line, f"from = {rule['from']}: a day that does not exist.") from None
        if versions.count(rule["version"]) > 1:
            raise CityError(SETTINGS, line, f"version {rule['version']} stands twice.")
    return tuple(raw)


def _season(raw: Mapping[str, Any], text: str, number: int) -> Season:
    line = _line(text, ["office", "seasons", number])
    month, day = map(int, raw["from"].split("-"))
    try:
        date(2001, month, day)  # no leap year: the 29th of February begins no season
        spans = tuple(_span(each) for each in raw["hours"])
    except ValueError:
        raise CityError(SETTINGS, line, f"season from {raw['from']}: a day or an hour that does not exist.") from None
    edges = [edge for span in spans for edge in span]
    if any(early >= late for early, late in pairwise(edges)):
        raise CityError(SETTINGS, line, f"season from {raw['from']}: hours want order and must not overlap.")
    return Season((month, day), spans)


def _span(text: str) -> Span:
    start, _, end = text.partition("-")
    return time.fromisoformat(start), time.fromisoformat(end)


def _minutes(span: Span) -> int:
    start, end = span
    return (end.hour - start.hour) * 60 + end.minute - start.minute
