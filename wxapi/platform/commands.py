"""Groups of operator commands: `flask --app wsgi <group> …`. What the operator can mend is one sentence."""

import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TextIO, TypeVar

import click
from alembic.util.exc import CommandError
from flask.cli import AppGroup
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from wxapi.kernel.errors import DomainError
from wxapi.platform.cipher import SealError
from wxapi.platform.keys import KeysMissingError

ItemT = TypeVar("ItemT")

# SQLSTATE → what it means here.
_SENTENCES = {
    "42P01": "The database has no table for this",
    "42703": "The database has no column for this",
    "42501": "The database role of DATABASE_URL has no right to do this: changing the schema is for the owner of the "
    "tables, everything else for a role that has had `flask --app wsgi audit grant ROLE` after the last upgrade.",
    "55P03": "A table is in use and was not free within some seconds; the step under way was undone. Try again.",
    "57014": "The database took too long and was stopped; nothing of this step was kept. Try again.",
    "53300": "The database takes no more connections. Try again, or raise its max_connections.",
}
_UPGRADE = ": run `flask --app wsgi database upgrade` as the owner of the tables."
# libpq gives no SQLSTATE for a connection that failed, only the server's words.
_WORDS = (
    ("does not exist", "There is no such database or role on the server that DATABASE_URL names."),
    ("authentication failed", "The server that DATABASE_URL names refuses this user or password."),
    ("no password supplied", "The server that DATABASE_URL names wants a password."),
)


_NEWER = "The database has the schema of a newer release than this program: run the command of that release."


@contextmanager
def whole_or_none(file: Path) -> Iterator[TextIO]:
    """A new sheet (CSV), its maker's alone, that is away again when it was not written to its end.

    Half an audit must not pass for all of it.

    Raises:
        ClickException: there is such a file.
    """
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.ClickException(f"{file} is there already; name another one.") from None
    with open(handle, "w", encoding="utf-8-sig", newline="") as out:  # noqa: PTH123 - the mode from the first byte on
        try:
            yield out
            out.flush()
        except BaseException:  # Ctrl-C too
            file.unlink()
            raise


class StoppedError(click.ClickException):
    """Ctrl-C, SIGTERM or a closed terminal ended a command."""

    def __init__(self, number: int) -> None:
        super().__init__(
            "Stopped: what was under way was undone, steps that were done before stay. The command can be run again."
        )
        self.exit_code = 128 + number  # type: ignore[misc]  # as a shell says it; click reads it of the error


class _StopRequested(BaseException):
    """A wish, not an error; passes every `except Exception`."""


@contextmanager
def speaking() -> Iterator[None]:
    """Say in one sentence what ended a command, whether a fault that an operator can mend or their own wish.

    Raises:
        click.ClickException: with the sentence.
    """
    stopped_by = [signal.SIGINT]

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped_by[:] = [signal.Signals(number)]
        raise _StopRequested

    try:
        with _handling(stop):
            yield
    except (_StopRequested, KeyboardInterrupt):
        raise StoppedError(stopped_by[0]) from None
    except BrokenPipeError:
        raise  # the reader has gone, as `head` does: click ends the command without a word
    except _MENDABLE as error:
        sentence = _said_of(error)
        if sentence is None:
            raise
        raise click.ClickException(sentence) from None


@contextmanager
def _handling(stop: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Take the signals that end a process, so that it undoes what it has begun. Ctrl-C raises by itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # What is ignored stays so: a closed terminal ends nothing under nohup.
    taken = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


class CommandGroup(AppGroup):
    """Commands that say in one sentence what is wrong with the database, Redis, keys or files they need."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what is wrong with its surroundings is said in one sentence, without a traceback."""
        with speaking():
            return super().invoke(ctx)


def tracked(label: str, items: Collection[ItemT]) -> Iterator[ItemT]:
    """The items, with a progress bar on the way; one line where the output is no terminal."""
    with click.progressbar(items, label=label) as bar:
        yield from bar


class DayOption(click.DateTime):
    """A day as people write it; midnight of it, without a time zone."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - click names them
        """What stands for it in the help."""
        return "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it, or say what is wanted."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is no day, YYYY-MM-DD.", param, ctx)


DAY = DayOption()
_MENDABLE = (DBAPIError, KeysMissingError, SealError, RedisError, DomainError, CommandError, OSError)


def _said_of(error: Exception) -> str | None:
    """What an operator can do about it; None: it is a fault of the product."""
    if isinstance(error, DBAPIError):
        return sentence_of(error)
    if isinstance(error, RedisError):
        return "Redis at REDIS_URL does not answer."
    if isinstance(error, SealError):
        return f"A sealed value ({error}) does not open: `flask --app wsgi keys status` says which key is missing."
    if isinstance(error, DomainError):
        return f"[{error.code}] {error.detail}"
    if isinstance(error, CommandError) and "Can't locate revision" in str(error):
        return _NEWER
    return f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)


def sentence_of(error: DBAPIError) -> str | None:
    """What an operator can do about a fault of the database; None: it is a fault of the product."""
    state = getattr(error.orig, "sqlstate", None)
    if state in _SENTENCES:
        return _SENTENCES[state] + (_UPGRADE if state in {"42P01", "42703"} else "")
    if state is not None and not state.startswith(("08", "57P")):
        return None
    if state is None and not error.connection_invalidated and not _is_of_connecting(error):
        return None
    said = str(error.orig)
    for words, sentence in _WORDS:
        if words in said:
            return sentence
    return "The database of DATABASE_URL does not answer: is PostgreSQL running, are host and port right?"


def _is_of_connecting(error: DBAPIError) -> bool:
    return "connect" in str(error.orig) or "server" in str(error.orig)
