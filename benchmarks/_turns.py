"""Several ways of serving the same work, measured in turns, so that what else the machine does meets all of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import psutil
import psycopg

from benchmarks._clients import send
from benchmarks._http_load import Served, granian
from benchmarks._machine import cpu_seconds, watched
from benchmarks.report import Result

# The two ways of serving a smallest honest view: as ours is served, and as a WSGI app that a thread waits for.
LIMIT, NO_FRONT = "limit", "limit, no front"


@dataclass(frozen=True)
class Way:
    """One way: its server, and what makes the requests of a round, as many as asked for."""

    name: str
    server: Served
    requests: Callable[[int], list[bytes]]


@dataclass
class Measured:
    """Requests a second of each round, milliseconds of each request, processor time of server and database."""

    rates: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    server_s: float = 0.0
    database_s: float = 0.0

    @property
    def best(self) -> float:
        return max(self.rates)

    @property
    def median(self) -> float:
        return median(self.rates)

    @property
    def cpu_ms(self) -> float:
        """Processor milliseconds a request: the figure that a busy machine moves least."""
        return 1000 * (self.server_s + self.database_s) / len(self.milliseconds)

    def percentile(self, share: int) -> float:
        """The milliseconds that so many of a hundred requests stay under."""
        return quantiles(self.milliseconds, n=100)[share - 1]

    def result(self, name: str, found: "Mapping[str, Measured]", goal: float) -> Result:
        """The rate of the best round beside that of `LIMIT`, with what medians and processor time say of the same, and
        beside that of `NO_FRONT`.
        """
        limit, no_front = found[LIMIT], found[NO_FRONT]
        return Result(
            name,
            self.best,
            limit.best,
            "/s",
            goal,
            higher_is_better=True,
            of_medians=self.median / limit.median,
            of_processor=limit.cpu_ms / self.cpu_ms,
            of_no_front=self.best / no_front.best,
        )

    def __str__(self) -> str:
        tails = " ".join(f"p{share} {self.percentile(share):.1f}" for share in (50, 95, 99))
        each = 1000 / len(self.milliseconds)
        return (
            f"{self.best:6.0f}/s best, {self.median:6.0f}/s median, ms: {tails},"
            f" processor ms: server {self.server_s * each:.2f}, database {self.database_s * each:.2f}"
        )


def in_turns(
    ways: Sequence[Way], database: psutil.Process, *, clients: int, rounds: int, count: int
) -> dict[str, Measured]:
    """Measure each way in every round, and print what was found and what else the machine did.

    Each round begins with another way: two servers of one way in a fixed order differed by a twentieth to a seventh,
    since the first comes to caches that the last has filled.
    """
    found = {way.name: Measured() for way in ways}
    with watched(database, *(way.server.process for way in ways)) as machine:
        for first in range(rounds):
            for way in (*ways[first % len(ways) :], *ways[: first % len(ways)]):
                _measure(way, found[way.name], database, clients=clients, count=count)
    for name, measured in found.items():
        print(f"  {clients:2} clients, {name:22} {measured}")
    print(f"  {machine}", flush=True)
    return found


@contextmanager
def limits(
    module: str, environ: Mapping[str, str], requests: Callable[[int], list[bytes]], *, processes: int
) -> "Iterator[list[Way]]":
    """The smallest honest view of a module, served in both ways."""
    with (
        granian(f"{module}:front", environ, processes=processes) as behind,
        granian(f"{module}:app", environ, processes=processes) as bare,
    ):
        yield [Way(LIMIT, behind, requests), Way(NO_FRONT, bare, requests)]


def postmaster(connection: psycopg.Connection) -> psutil.Process:
    """The database's first process, whose children serve its connections."""
    row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return psutil.Process(int(Path(row[0], "postmaster.pid").read_text(encoding="utf-8").partition("\n")[0]))


def _measure(way: Way, found: Measured, database: psutil.Process, *, clients: int, count: int) -> None:
    requests = way.requests(count)
    server_s, database_s = cpu_seconds(way.server.process), cpu_seconds(database)
    seconds, milliseconds = send(way.server.address, requests, clients=clients)
    found.server_s += cpu_seconds(way.server.process) - server_s
    found.database_s += cpu_seconds(database) - database_s
    found.rates.append(count / seconds)
    found.milliseconds += milliseconds
