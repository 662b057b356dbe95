"""What the documents tell somebody to type is there: commands, their options, targets of make, modules."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from wxapi.app import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = [
    page for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/**/*")]) if page.is_file()
]
TOP = {str(command.name): command for command in COMMANDS}
_TYPED = re.compile(r"`([^`]{1,200})`")


def typed(page: Path) -> Iterator[str]:
    """What stands as code: between backticks, and the lines of blocks."""
    text = page.read_text("utf-8")
    if page.suffix != ".md":
        yield from text.splitlines()
        return
    for number, part in enumerate(text.split("```")):
        yield from part.splitlines() if number % 2 else (" ".join(each.split()) for each in _TYPED.findall(part))


def told(line: str) -> list[str] | None:
    """The words of an operator command behind `flask --app wsgi`, or of one named without; None for anything else."""
    found = re.search(rf"(?:\bflask (?:--app wsgi )?|^… (?=(?:{'|'.join(TOP)})\b))([a-z].*)", line)
    if found is None and not re.match(rf"({'|'.join(TOP)}) [a-z-]+( |$)", line):
        return None
    words = found[1] if found else line
    words = re.split(r"\s#|[;|&…)\"]|\s{2,}", words)[0]
    try:
        return shlex.split(re.sub(r"[<>\[\]]", " ", words))
    except ValueError:
        return words.split()


def known(words: list[str]) -> str | None:
    """What of a command is not there; None where all of it is."""
    command = TOP.get(words[0])
    if command is None:
        return f"no command {words[0]}"
    rest = words[1:]
    if isinstance(command, click.Group) and rest:
        inner = command.commands.get(rest[0])
        if inner is None:
            return f"no command {words[0]} {rest[0]}"
        command, rest = inner, rest[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {
        "--help"
    }
    unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in options]
    return f"{' '.join(words)}: no option {unknown[0]}" if unknown else None


def every_command() -> Iterator[tuple[str, click.Command]]:
    for name, command in TOP.items():
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", each) for inner, each in command.commands.items())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_told_are_there(page: Path) -> None:
    assert [wrong for line in typed(page) if (words := told(line)) and (wrong := known(words))] == []


def test_every_command_is_told_in_the_documents() -> None:
    said = {tuple(words[:2]) for page in PAGES for line in typed(page) if (words := told(line))}
    said |= {(words[0],) for words in said}
    every = {name for name, command in every_command() if not isinstance(command, click.Group)}
    assert every - {" ".join(words) for words in said} == set()


@pytest.mark.parametrize(("name", "command"), [*every_command()], ids=[name for name, _ in every_command()])
def test_help_says_what_a_command_does_and_what_each_option_is(name: str, command: click.Command) -> None:
    shown = command.make_context(name, ["--help"], resilient_parsing=True).get_help()
    assert shown.startswith(f"Usage: {name} ")
    assert command.help
    assert [option.name for option in command.params if isinstance(option, click.Option) and not option.help] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_targets_and_modules_that_are_told_are_there(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    lines = list(typed(page))
    targets = {name for line in lines for name in re.findall(r"(?:^|&& |; )make (?:\w+=\S+ )*([a-z]+)\b", line)}
    assert {name for name in targets if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()
    modules = {name for line in lines for name in re.findall(r"python3? -m ([a-z_.]+[a-z_])", line)}
    assert {name for name in modules if importlib.util.find_spec(name) is None} == set()


def test_a_command_that_is_not_there_would_be_seen() -> None:
    assert told("DATABASE_URL=x .venv/bin/flask --app wsgi people appoint 6f1c…-… admin 4210") == [
        "people",
        "appoint",
        "6f1c",
    ]
    assert known(["people", "promote"]) == "no command people promote"
    assert known(["audit", "verify", "--tail", "1"]) == "audit verify --tail 1: no option --tail"
    assert known(["audit", "verify", "--head", "1"]) is None
    assert known(["whatever"]) == "no command whatever"
