"""Every operator command, with everything that can be wrong around it: a sentence, never a traceback."""

import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import update

from config import Config, NamedKey, Secret
from tests.conftest import NOW
from tests.factories import People
from tests.processes import environment
from wxapi.app import COMMANDS, create_app
from wxapi.identity.models import User
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.setting_texts import driver_url
from wxapi.platform import migrate
from wxapi.platform.commands import CommandGroup
from wxapi.platform.db import db, transaction

ROOT = Path(__file__).resolve().parents[2]
# A cursor of the server that is left half way says so when it is collected; the process of a command is over by then.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <function ServerCursorMixin:pytest.PytestUnraisableExceptionWarning"
)
NOWHERE = "127.0.0.1:9"


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for top in COMMANDS:
        if isinstance(top, click.Group):
            yield from (((str(top.name), name), command) for name, command in sorted(top.commands.items()))
        else:
            yield (str(top.name),), top


EVERY = list(commands())


def arguments(command: click.Command, folder: Path) -> list[str]:
    """Something of the right kind for each argument and each option that must be given."""
    given: list[str] = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument) or parameter.required:
            if isinstance(parameter, click.Option):
                given.append(parameter.opts[0])
            given.append(sample(parameter, folder))
    return given


def sample(parameter: click.Parameter, folder: Path) -> str:
    kind = parameter.type
    if isinstance(kind, click.Path):
        if not kind.exists:
            return str(folder / f"{uuid.uuid4().hex}.csv")
        file = folder / "sample.csv"
        file.write_text("姓名,职务,手机号,角色,区域\n张三,,13800000001,admin,4210\n")
        return str(file if kind.file_okay else folder)
    if isinstance(kind, click.Choice):
        return str(kind.choices[0])
    if isinstance(kind, click.DateTime):
        return "2026-11-01"
    if parameter.name and "code" in parameter.name:
        return "421002001001"
    return str(uuid.UUID(int=7)) if "UUID" in repr(kind) else "sample"


def run(app: Flask, words: tuple[str, ...], command: click.Command, folder: Path) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=[*words, *arguments(command, folder)], input="openid\n")
    db.session.rollback()
    assert done.exception is None or isinstance(done.exception, SystemExit), (words, done.exception, done.output)
    assert "Traceback" not in done.output, words
    return done.exit_code, done.output


def said(words: tuple[str, ...], output: str) -> str:
    """The one sentence of a command that failed; the doctor has its lines."""
    if words == ("doctor",):
        return output
    (sentence,) = [line for line in output.splitlines() if line.startswith("Error: ")]
    return sentence


@contextmanager
def app_of(config: Config) -> Iterator[Flask]:
    made = create_app(config, clock=FixedClock(NOW))
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def open_app(make_committing_app: Callable[..., AbstractContextManager[Flask]]) -> Iterator[Flask]:
    """An app of this test's own: what a command that is ended leaves of its connections would stay in the pool of all."""
    with make_committing_app() as made:
        yield made


def test_every_group_speaks_in_sentences() -> None:
    for top in COMMANDS:
        assert not isinstance(top, AppGroup) or isinstance(top, CommandGroup), top.name


def test_without_a_database(make_config: Callable[..., Config], tmp_path: Path) -> None:
    silent = set()
    with app_of(make_config(database_url=f"postgresql+psycopg://nobody@{NOWHERE}/none")) as app:
        for words, command in EVERY:
            code, output = run(app, words, command, tmp_path)
            if code == 0:
                silent.add(words)
            elif "does not answer" not in output:
                assert re.search(r"^Error: |^WRONG ", output, re.MULTILINE), (words, output)
            assert output.count("does not answer") <= 1 or words != ("doctor",), "one sentence for one trouble"
    assert silent <= {("city", "check")}, "these did nothing and said nothing"


def test_without_a_schema(make_config: Callable[..., Config], make_database: Callable[[], str], tmp_path: Path) -> None:
    with app_of(make_config(database_url=make_database())) as app:
        for words, command in EVERY:
            if words != ("database", "upgrade"):
                code, output = run(app, words, command, tmp_path)
                assert code or words == ("city", "check"), (words, output)
                assert code == 0 or said(words, output)


def test_without_redis_and_with_nothing_there(
    open_app: Flask, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    config = open_app.extensions["wxapi"].config
    with app_of(replace(config, redis_url=f"redis://{NOWHERE}/0")) as app:
        for words, command in EVERY:
            code, output = run(app, words, command, tmp_path)
            assert code == 0 or said(words, output), words


def test_with_a_key_that_is_gone(open_app: Flask, tmp_path: Path) -> None:
    """Noted as needed, and sealed values that do not open: whatever writes is refused, whatever reads says why."""
    config: Config = open_app.extensions["wxapi"].config
    user_id = People(open_app).make().actor.user_id
    with transaction() as session:
        session.execute(update(User).where(User.id == user_id).values(openid_sealed=b"gone\x00" + bytes(40)))
    with app_of(replace(config, encryption_keys=(NamedKey("k9", Secret(b"9" * 32)),))) as app:
        wrote = []
        for words, command in EVERY:
            code, output = run(app, words, command, tmp_path)
            if words[0] in {"people", "audit"} and code == 0:
                wrote.append(words)
            assert code == 0 or words == ("keys", "status") or said(words, output), words
    assert set(wrote) <= {("audit", "verify"), ("audit", "head"), ("people", "offices")}


def test_wrong_arguments(app: Flask) -> None:
    for words, _ in EVERY:
        for rubbish in (["--no-such-option"], ["x"] * 9):
            done = app.test_cli_runner().invoke(args=[*words, *rubbish])
            assert isinstance(done.exception, SystemExit), (words, done.exception)
            assert done.exit_code in {1, 2}, (words, done.output)
            assert "Error: " in done.output, words


def test_a_file_that_cannot_be_written(app: Flask, session: object) -> None:
    done = app.test_cli_runner().invoke(args=["audit", "export", "/no/such/folder/audit.csv"])
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert done.output.startswith("Error: /no/such/folder/audit.csv: ")


def test_a_schema_that_is_newer_than_the_program(
    make_config: Callable[..., Config], make_database: Callable[[], str]
) -> None:
    url = make_database()
    migrate.upgrade(url, "0001_platform")
    with app_of(make_config(database_url=url)) as app:
        with db.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999_to_come'")
        done = app.test_cli_runner().invoke(args=["database", "upgrade"])
        assert (done.exit_code, done.output.count("\n")) == (1, 1)
        assert "newer" in done.output


@pytest.fixture
def signals_heard() -> Iterator[None]:
    """Signals as a terminal's process has them: under `nohup`, or behind a shell's `&`, the tests' own are ignored."""
    usual: dict[signal.Signals, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@contextmanager
def ended_while_it_waits(url: str, tables: str, number: signal.Signals) -> Iterator[list[bool]]:
    """Hold tables, and send this process the signal as soon as somebody waits for one of them."""
    sent, over = list[bool](), threading.Event()

    def send() -> None:
        with psycopg.connect(url, autocommit=True) as watcher:
            while not over.wait(0.02):
                waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                if watcher.execute(waits).fetchone():
                    sent.append(True)
                    os.kill(os.getpid(), number)
                    return

    with psycopg.connect(url) as holder:
        holder.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
        sender = threading.Thread(target=send)
        sender.start()
        try:
            yield sent
        finally:
            over.set()
            sender.join()


def plain(app: Flask) -> str:
    return driver_url(app.extensions["wxapi"].config.database_url)


@pytest.mark.usefixtures("signals_heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_told_to_end_says_so(open_app: Flask, tmp_path: Path, number: signal.Signals) -> None:
    with psycopg.connect(plain(open_app)) as connection:
        found = connection.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        every = ", ".join(name for (name,) in found)
    told = set()
    for words, command in EVERY:
        with ended_while_it_waits(plain(open_app), every, number) as sent:
            code, output = run(open_app, words, command, tmp_path)
        if sent:
            told.add(words)
            assert code == 128 + number, (words, output)
            assert output.count("Error: ") == output.count("Error: Stopped: ") == 1, (words, output)
    assert signal.getsignal(number) in {signal.SIG_DFL, signal.default_int_handler}
    # The others end before they ask the database: their sample is refused, or they need none.
    assert len(told) > len(EVERY) * 2 / 3, sorted({words for words, _ in EVERY} - told)


@pytest.mark.usefixtures("signals_heard")
def test_half_an_export_is_none(open_app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "audit.csv"
    with ended_while_it_waits(plain(open_app), "audit_addresses", signal.SIGINT) as sent:
        done = open_app.test_cli_runner().invoke(args=["audit", "export", str(file)])
    assert (sent, done.exit_code, file.exists()) == ([True], 130, False), done.output
    done = open_app.test_cli_runner().invoke(args=["audit", "export", str(file)])
    assert (done.exit_code, file.exists()) == (0, True), done.output


def test_a_reader_that_goes_away_is_no_fault(open_app: Flask) -> None:
    for words in (["audit", "head"], ["keys", "status"], ["doctor"], ["retention", "show"]):
        read, write = os.pipe()
        os.close(read)
        flask = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
        settings = environment(open_app.extensions["wxapi"].config) | {"PYTHONUNBUFFERED": "1"}
        done = subprocess.run(
            flask, stdout=write, stderr=subprocess.PIPE, env=settings, timeout=60, check=False, cwd=ROOT
        )
        os.close(write)
        assert (done.returncode, b"Error" in done.stderr, b"Traceback" in done.stderr) == (1, False, False), done.stderr


@pytest.mark.parametrize("words", [("audit", "show"), ("audit", "export"), ("statistics", "verify")])
def test_a_time_that_ends_before_it_begins_is_refused(app: Flask, tmp_path: Path, words: tuple[str, str]) -> None:
    first, last = ("--from", "--to") if words[0] == "statistics" else ("--since", "--until")
    file = [str(tmp_path / "audit.csv")] if words[1] == "export" else []
    for day in ("2026-11-02", "2026-11-01"):
        done = app.test_cli_runner().invoke(args=[*words, *file, first, "2026-11-02", last, day])
        assert (done.exit_code, f"{first} wants a day before {last}" in done.output) == (2, True), done.output
