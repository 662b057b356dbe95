"""A scratch database and the environment of a server of the product that uses it; people with tokens."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from benchmarks._turns import postmaster
from config import Config
from wxapi.demo import embedded
from wxapi.demo.prepare import prepare
from wxapi.demo.settings import DemoSettings, keys_of, product_environment
from wxapi.identity.queries import digest_of
from wxapi.kernel.ids import new_token
from wxapi.platform import migrate


@dataclass(frozen=True)
class Scratch:
    """What a benchmark works with; `connection` commits each statement by itself."""

    environ: dict[str, str]
    connection: psycopg.Connection
    database: psutil.Process

    def people(self, count: int) -> list[tuple[str, uuid.UUID]]:
        """New people: a token and the id of each."""
        people = [(new_token(), uuid.uuid4()) for _ in range(count)]
        with self.connection.cursor() as cursor:
            with cursor.copy("COPY users (id) FROM STDIN") as copy:
                for _, user_id in people:
                    copy.write_row((user_id,))
            with cursor.copy("COPY tokens (digest, user_id, created_at, last_used_at) FROM STDIN") as copy:
                for token, user_id in people:
                    copy.write_row((digest_of(token), user_id, "now", "now"))
        return people


@contextmanager
def scratch(*, city: bool) -> Iterator[Scratch]:
    """A migrated database. `city`: with Jingzhou's regions and offices, without reports."""
    with tempfile.TemporaryDirectory() as name, embedded.redis_url() as redis_url:
        folder = Path(name)
        with embedded.postgres(folder / "postgres") as url:
            settings = DemoSettings("127.0.0.1", 8000, 8001, folder, None, None, None)
            keys = keys_of(folder, database_exists=False)
            made = product_environment(settings, keys, database_url=url, redis_url=redis_url)
            (folder / "metrics").mkdir()
            environ = {
                **made,
                "WXAPI_LOG_LEVEL": "WARNING",
                "PLAIN_DATABASE_URL": url,
                "PLAIN_POOL": "8",
                "PLAIN_FOLDER": str(folder),
                "PYTHONPATH": str(Path.cwd()),
            }
            _fill(environ, url, city=city)
            with psycopg.connect(url, autocommit=True) as connection:
                yield Scratch(environ, connection, postmaster(connection))


def _fill(environ: dict[str, str], url: str, *, city: bool) -> None:
    if not city:
        migrate.upgrade(url)
        return
    # Sixty days of a demo city's life take minutes, and nothing here looks at them.
    before = os.environ.get("WXAPI_DEMO_LIFE")
    os.environ["WXAPI_DEMO_LIFE"] = "off"
    try:
        prepare(Config.from_env(environ))
    finally:
        os.environ.pop("WXAPI_DEMO_LIFE")
        if before is not None:
            os.environ["WXAPI_DEMO_LIFE"] = before
