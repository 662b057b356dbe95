"""Rules of the house that a reader of one file cannot see."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import CheckConstraint, Engine, create_engine, inspect

from wxapi.kernel import setting_texts
from wxapi.kernel.permissions import Permission
from wxapi.platform import dictionary, migrate
from wxapi.platform.db import Base
from wxapi.platform.guard import permission_of

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted(path for top in ("wxapi", "workers") for path in (ROOT / top).rglob("*.py"))

# What a stranger may call. Adding a line here is a decision.
PUBLIC = {
    "files.serve",
    "health.healthz",
    "health.exposition",
    "health.readyz",
    "identity.log_in",
    "kit.asset",
    "login.enter_demo",
    "login.explain_certificate",
    "login.explain_login",
    "login.explain_session",
    "login.go_on",
    "login.login_state",
    "login.show_docs",
    "login.show_login",
    "login.start",
    "notifications.check_url",
    "notifications.receive_push",
    "openapi_json",
    "training.verify_certificate",
    "vocabulary.read_vocabulary",
}


@cache
def parsed(path: Path) -> ast.Module:
    """A file as several tests walk it."""
    return ast.parse(path.read_text())


def test_every_route_names_its_permission(app: Flask) -> None:
    unnamed = [
        rule.endpoint for rule in app.url_map.iter_rules() if permission_of(app.view_functions[rule.endpoint]) is None
    ]
    assert unnamed == []


def test_what_strangers_may_call_is_this_list(app: Flask) -> None:
    public = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if permission_of(app.view_functions[rule.endpoint]) is Permission.PUBLIC
    }
    assert public == PUBLIC


def test_a_mini_program_can_call_every_route(app: Flask) -> None:
    """`wx.request` has no PATCH."""
    methods = {method for rule in app.url_map.iter_rules() for method in rule.methods or ()}
    assert methods <= {"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"}


def calls_of(name: str) -> list[str]:
    """`file:line` of every call of a method with this name."""
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in CODE
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
    ]


def test_commit_has_one_owner() -> None:
    assert {place.split(":")[0] for place in calls_of("commit")} <= {
        "wxapi/platform/db.py",
        "wxapi/platform/engine.py",  # of a statement that is a transaction by itself
        "wxapi/platform/idempotency.py",  # asks its deferred unit to
    }


# Who may ask the machine: the clock itself, and processes that only measure how long something took.
MACHINE_TIME = re.compile(r"\b(?:datetime\.(?:now|utcnow)|date\.today|time\.time)\(")
CLOCKS = {"wxapi/kernel/clock.py", *(str(p.relative_to(ROOT)) for p in (ROOT / "wxapi/demo").rglob("*.py"))}


def test_nobody_reads_the_machines_clock_but_the_clock() -> None:
    readers = {str(path.relative_to(ROOT)) for path in CODE if MACHINE_TIME.search(path.read_text())}
    assert readers <= CLOCKS


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "manager", "misc"])
def test_no_vague_names(word: str) -> None:
    assert [str(path) for path in CODE if word in path.stem.split("_")] == []


_BLOCKED = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{name} is blocked")

BLOCKED = set(sys.argv[1:])
sys.meta_path.insert(0, Blocked())
import wxapi.kernel
names = [each.name for each in pkgutil.walk_packages(wxapi.kernel.__path__, "wxapi.kernel.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_the_kernel_imports_without_web_and_database() -> None:
    outside = ["flask", "werkzeug", "marshmallow", "flask_smorest", "sqlalchemy", "psycopg", "redis", "rq", "requests"]
    ran = subprocess.run(
        [sys.executable, "-c", _BLOCKED, *outside], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 5


# Folders of `wxapi` that are no features: what these stand on, and what stands on these.
_NO_FEATURES = {"demo", "kernel", "platform", "web"}


def test_every_file_of_every_feature_is_seen_by_an_import_contract() -> None:
    """A folder that "Floors" leaves out, a file that "Layers" leaves out fail these: both are exhaustive. So nothing can
    be left out but a feature that "Layers" does not name.
    """
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    floors, layers, pages = (
        next(each for each in settings["contracts"] if each["name"].startswith(name))
        for name in ("Floors:", "Layers:", "Pages:")
    )
    assert {"wxapi", "workers"} <= {*settings["root_packages"]}
    assert [each["exhaustive"] for each in (floors, layers, pages)] == [True, True, True]
    assert (floors["containers"], pages["containers"]) == (["wxapi"], ["wxapi.web"])
    features = {path.parent.name for path in (ROOT / "wxapi").glob("*/__init__.py")} - _NO_FEATURES
    assert {*layers["containers"]} == {f"wxapi.{feature}" for feature in features}


_IMPORTED = re.compile(r"^ *(?:import|from) ([a-z_0-9]+)", re.MULTILINE | re.IGNORECASE)


def test_what_is_imported_is_a_dependency_of_ours() -> None:
    """One that only others bring has no bound, and goes when they drop it."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    ours = {re.split(r"[^a-z0-9-]", each.lower(), maxsplit=1)[0] for each in named}
    bringers = packages_distributions()
    imported = {name for path in CODE for name in _IMPORTED.findall(path.read_text(encoding="utf-8"))}
    brought = {name: {each.lower().replace("_", "-") for each in bringers.get(name, ())} for name in imported}
    assert {"flask", "werkzeug"} <= imported
    assert not [name for name, by in brought.items() if by and not by & ours]


def test_settings_know_the_kernel_only() -> None:
    """`config.py` is no package, so no import contract sees what it imports."""
    known = re.findall(r"^(?:from|import) (wxapi[.\w]*|workers)", (ROOT / "config.py").read_text(), re.MULTILINE)
    assert known
    assert [name for name in known if not name.startswith("wxapi.kernel")] == []


# A slice, a key, a comparison or a constant by the digits of a code: `regions.rules.levels` knows them, and nobody else.
_LEVEL_BY_DIGITS = re.compile(
    r"\w*(?:code|region|desk|place)\w*\[: ?(?:4|6|9|12|15)\]|(?:^\s+|\{)(?:9|12|15): "
    r"|len\([^()]*(?:code|region|desk|place)\w*\) *(?:[<>]=?|[!=]=) *[0-9]"
    r"|^_?(?:CITY|COUNTY|TOWNSHIP|VILLAGE|GRID)\w* = (?:4|6|9|12|15)$"
)


def test_levels_by_digits_stand_in_one_place() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in CODE
        for line in path.read_text().splitlines()
        if _LEVEL_BY_DIGITS.search(line)
    ]
    assert found == []


_MODULE = re.compile(r"\b(?:wxapi\.)?([a-z]+)\.([a-z_]+)")


def test_no_lower_floor_names_an_upper_one() -> None:
    """Nor in a comment or a string, where no import contract looks: what registers is told of in `wxapi.app`."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    floors = [names.split(" | ") for names in settings["contracts"][0]["layers"]]
    upper: set[str] = set()
    named = []
    for names in floors:
        for floor in names:
            others = upper | {*names} - {floor}
            named += [
                f"{path.relative_to(ROOT)}: {line.strip()}"
                for path in CODE
                if path.relative_to(ROOT / "wxapi" if "workers" not in path.parts else ROOT).parts[0] == floor
                for line in path.read_text().splitlines()
                for match in _MODULE.finditer(line)
                if match[1] in others and any((ROOT / "wxapi" / match[1]).glob(f"{match[2]}*"))
            ]
        upper |= {*names}
    assert named == []


@pytest.fixture
def empty_database(make_database: Callable[[], str]) -> str:
    return make_database()


def engine_of(url: str) -> Engine:
    return create_engine(setting_texts.database_url(url))


def test_migrations_go_up_down_and_up(empty_database: str) -> None:
    migrate.upgrade(empty_database)
    migrate.downgrade(empty_database, "base")
    engine = engine_of(empty_database)
    left = set(inspect(engine).get_table_names()) - {"alembic_version"}
    migrate.upgrade(empty_database)
    tables = set(inspect(engine).get_table_names())
    engine.dispose()
    assert left == set()
    assert set(Base.metadata.tables) <= tables


def test_migrations_make_what_the_models_say(database_url: str, app: Flask) -> None:
    engine = engine_of(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        dictionary.attach(Base.metadata)
        drift = compare_metadata(context, Base.metadata)
    engine.dispose()
    assert drift == []


def test_no_check_lists_codes_that_a_feature_adds_to() -> None:
    """A new code would validate the whole table again; the levels of regions are the form of their codes."""
    lists = [
        f"{table.name}: {check.sqltext}"
        for table in Base.metadata.tables.values()
        for check in table.constraints
        if isinstance(check, CheckConstraint) and re.search(r"\bIN \('", str(check.sqltext))
    ]
    assert lists == ["regions: level IN ('city', 'county', 'township', 'village', 'grid')"]


def test_no_index_of_reports_lists_states() -> None:
    """A new state would build it again."""
    conditions = [
        str(index.dialect_options["postgresql"]["where"]) for index in Base.metadata.tables["reports"].indexes
    ]
    assert [condition for condition in conditions if "state IN" in condition] == []


def test_migrations_are_one_chain(empty_database: str) -> None:
    heads: list[str] = []
    settings = migrate.alembic_config(empty_database)
    settings.print_stdout = lambda text, *_: heads.append(text)  # type: ignore[method-assign]
    command.heads(settings)
    assert len([line for line in heads if line.strip()]) == 1


def test_persons_are_they() -> None:
    """A reporter, a worker, an officer is anybody; the rule of CONTRIBUTING for prose and comments."""
    said = re.compile(r"\b(?:he|his|him|himself|she|hers|herself)\b", re.IGNORECASE)
    texts = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    texts += [file for folder in ("wxapi", "workers", "tests", "benchmarks") for file in (ROOT / folder).rglob("*.py")]
    found = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in texts
        if file != Path(__file__) and "node_modules" not in file.parts
        for line in file.read_text().splitlines()
        if said.search(line)
    ]
    assert found == []


# What a view makes itself, or Flask made for it; `photos.services.send.stored` wants to be told what became of its file.
_OWN = {"self", "cls", "app", "request", "response", "answer", "original"}
_ABOVE_SERVICES = {"views", "views.py", "wire", "wire.py", "cli.py"}


def test_nobody_above_the_services_changes_what_they_gave() -> None:
    """Some give rows as they were read: those are values for whoever shows them."""
    changed = []
    for path in CODE:
        parts = path.relative_to(ROOT).parts
        if parts[:2] != ("wxapi", "web") and not _ABOVE_SERVICES & {*parts[2:3]}:
            continue
        for node in ast.walk(parsed(path)):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            changed += [
                f"{path.relative_to(ROOT)}:{node.lineno}"
                for target in targets
                if isinstance(target, ast.Attribute) and ast.unparse(target.value).partition(".")[0] not in _OWN
            ]
    assert changed == []


def names_of_types(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(name, what it is) of every class of a file, and of every other name of a type, such as `Card = Literal[…]`.
    Classes inside others, such as a schema's `Meta`, belong to these.
    """
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name, f"class at {node.lineno}"
        elif isinstance(node, ast.AnnAssign | ast.Assign) and node.value is not None:
            [target] = node.targets if isinstance(node, ast.Assign) else [node.target]
            if isinstance(target, ast.Name) and re.fullmatch(r"[A-Z]\w*[a-z]\w*", target.id):
                yield target.id, ast.unparse(node.value)


def test_no_class_name_means_two_things() -> None:
    """Two files may say the same type by the same words, as of `Json`; a row's type of a workflow has the engine's name."""
    meanings: dict[str, set[str]] = {}
    for path in [*CODE, ROOT / "config.py", ROOT / "wsgi.py"]:
        for name, meaning in names_of_types(parsed(path)):
            meanings.setdefault(name, set()).add(f"{path}: {meaning}" if meaning.startswith("class ") else meaning)
    twice = {name: found for name, found in meanings.items() if len(found) > 1}
    assert twice.pop("Transition")
    assert twice == {}
