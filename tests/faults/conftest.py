"""A database and a Valkey of each test's own: they are killed, emptied and restarted here."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis import Redis

from config import Config
from tests.faults.sample import EFFECTS
from tests.processes import Program, await_true
from wxapi.demo.embedded import Valkey


@pytest.fixture(scope="session")
def template_database(make_migrated_database: Callable[[], str]) -> str:
    """A migrated database to copy: faster than migrating each."""
    url = make_migrated_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(EFFECTS)
    return url


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    server = Valkey()
    server.start()
    yield server
    server.kill()


class Bench:
    """What a fault test does: record rows, start programs, look at effects."""

    def __init__(self, config: Config, valkey: Valkey, folder: Path) -> None:
        self.config = config
        self.valkey = valkey
        self.redis = Redis.from_url(valkey.url)
        self._folder = folder
        self.programs: list[Program] = []

    def start(self, *arguments: str, module: str = "tests.faults.sample") -> Program:
        """`python -m workers …` with the sample topics, or the product's own."""
        log = self._folder / f"{len(self.programs)}.log"
        started = Program(module, list(arguments), self.config, log)
        self.programs.append(started)
        return started

    def sql(self, query: str, *values: Any) -> list[Any]:
        """Rows of a query; single columns as plain values."""
        with psycopg.connect(self.config.database_url.replace("+psycopg", "", 1), autocommit=True) as connection:
            cursor = connection.execute(query, values)
            rows = cursor.fetchall() if cursor.description else []
        return [row[0] if len(row) == 1 else row for row in rows]

    def record(self, topic: str, *words: str) -> None:
        """Outbox rows, one a word, in one transaction."""
        self.sql(
            "INSERT INTO outbox (topic, payload) SELECT %s, jsonb_build_object('word', word)"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS words (word, n) ORDER BY n",
            topic,
            list(words),
        )

    def effects(self) -> list[str]:
        """What jobs did, in order, the clock's left out."""
        return self.sql("SELECT word FROM effects WHERE word <> 'tick' ORDER BY id")

    def await_done(self, seconds: float = 60) -> None:
        """Wait until all that was recorded is done."""
        await_true(lambda: self.sql("SELECT count(*) FROM outbox WHERE topic <> 'schedule.tick'") == [0], seconds)

    def end(self) -> None:
        for started in self.programs:
            started.kill_family()
        self.redis.close()


@pytest.fixture
def bench(
    template_database: str,
    copy_database: Callable[[str], str],
    valkey: Valkey,
    make_config: Callable[..., Config],
    tmp_path: Path,
) -> Iterator[Bench]:
    url = copy_database(template_database)
    config = make_config(database_url=url, redis_url=valkey.url, log_level="INFO")
    made = Bench(config, valkey, tmp_path)
    yield made
    made.end()


@pytest.fixture(scope="session")
def copy_database(postgres_server: str) -> Iterator[Callable[[str], str]]:
    """Copy a database; the copies are dropped at the end."""
    copies: list[str] = []

    def copy(url: str) -> str:
        name = url.partition("?")[0].rsplit("/", 1)[1]
        copied = f"{name}_{len(copies)}"
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{copied}" TEMPLATE "{name}"')
        copies.append(copied)
        return url.replace(f"/{name}", f"/{copied}", 1)

    yield copy
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        for copied in copies:
            connection.execute(f'DROP DATABASE "{copied}" WITH (FORCE)')
