"""The folder of the city's own rules (`WXAPI_CITY_FOLDER`): taken at the start, tried by `city check`."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import click
import structlog

from config import Config, ConfigError
from wxapi.kernel import city, city_files
from wxapi.kernel.city_rules import CityError, CityRules
from wxapi.kernel.words import Words, reworded, words
from wxapi.platform import vocabulary
from wxapi.platform.commands import CommandGroup

log = structlog.get_logger(__name__)
group = CommandGroup("city", help="The city's own rules: limits, office hours, words.")


def take(config: Config) -> CityRules:
    """Read the folder a configuration names, and serve its city from now on.

    Raises:
        ConfigError: what is wrong, with file and line.
    """
    for name in config.unknown:
        log.warning("unknown_setting", name=name)  # perhaps misspelt
    try:
        rules = city.of_folder(config.city_folder)
    except CityError as error:
        raise ConfigError(f"WXAPI_CITY_FOLDER: {error}") from None
    city.use(rules)
    return rules


def vocabulary_of(rules: CityRules, shipped: Iterable[Words], folder: Path | None) -> tuple[Words, ...]:
    """What people read, in the city's words.

    Raises:
        ConfigError: a word of a group or code that there is none of; a standard text of an action that there is not.
    """
    try:
        return _worded(rules, tuple(shipped), folder)
    except CityError as error:
        raise ConfigError(f"WXAPI_CITY_FOLDER: {error}") from None


def _worded(rules: CityRules, shipped: Sequence[Words], folder: Path | None) -> tuple[Words, ...]:
    actions = {word.code for each in shipped if each.group == "actions" for word in each.items}
    if actions and (strange := sorted(rules.phrases.keys() - actions)):
        raise _fault(folder, ["phrases", strange[0]], "there is no such action.")
    for code, for_actions in rules.reason_actions.items():
        if code not in rules.reasons:
            raise _fault(folder, ["reason_actions", code], "there is no such reason.")
        if actions and set(for_actions) - actions:
            raise _fault(folder, ["reason_actions", code], "there is no such action.")
    try:
        return reworded((*shipped, _reasons(rules)), rules.words)
    except KeyError as error:
        path = ["words", *str(error.args[0]).split(".")]
        raise _fault(folder, path, "there is no such group or code.") from None


def _reasons(rules: CityRules) -> Words:
    said = words("reasons", rules.reasons)
    items = (replace(word, actions=rules.reason_actions.get(word.code, ())) for word in said.items)
    return Words(said.group, tuple(items))


def _fault(folder: Path | None, path: Sequence[str], sentence: str) -> CityError:
    line = city_files.line_of(folder or city_files.SHIPPED, path)
    return CityError(city_files.SETTINGS, line, f"{'.'.join(path)}: {sentence}")


@group.command("check")
@click.argument("folder", type=click.Path(path_type=Path))
def check(folder: Path) -> None:
    """Read a FOLDER as a start would, and say what it sets. Exit code 1 with the fault's file and line."""
    try:
        rules = city_files.read_folder(folder)
        said = [Words(name, words) for name, words in vocabulary.groups().items() if name != "reasons"]
        _worded(rules, said, folder)
    except CityError as error:
        raise click.ClickException(str(error)) from None
    retired = sum(row.retired for row in rules.categories)
    click.echo(
        f"{rules.name} ({rules.code}), reports {rules.number_prefix}-…: {len(rules.categories)} classes, {retired} of "
        f"them retired; {len(rules.office.seasons)} seasons of office hours; {len(rules.hour_rules)} rules of credit "
        "hours. It can be used."
    )
