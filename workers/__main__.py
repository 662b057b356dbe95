"""`python -m workers`: everything the API leaves to be done, in processes of its own."""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from flask import Flask

from config import Config, ConfigError
from workers.job import Queue
from workers.lifetime import Stop
from workers.pool import work
from workers.relay import relay
from workers.schedule import schedule
from workers.supervisor import supervise
from workers.timetable import TASKS, Task
from workers.topics import TOPICS, Topics
from wxapi.app import RETENTION, create_app
from wxapi.platform import city_folder, keys, logs, retention
from wxapi.platform.demo_clock import clock_of

_HELP = """\
Everything that follows from a request is a row of the outbox table; these processes do it.

  python -m workers              all of them, kept alive: relay, schedule and workers for each queue
  python -m workers relay        moves due rows to Redis
  python -m workers schedule     writes rows for what is due by the clock
  python -m workers worker       workers for each queue
  python -m workers worker --queue photos

Any number of each may run, on any number of machines. Redis may be emptied and every process killed at any time:
what was under way is done again. SIGTERM or Ctrl-C lets jobs finish for some seconds.
Settings are those of the API (environment variables); WXAPI_WORKERS is the default of --processes.
What is still to be done: flask --app wsgi outbox status
"""


@dataclass(frozen=True, slots=True)
class Tables:
    """What is done: by topic, and by the clock."""

    topics: Topics
    tasks: Sequence[Task]


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        "python -m workers", description=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("role", nargs="?", choices=["relay", "worker", "schedule"], help="only this; default: all")
    parser.add_argument("--queue", choices=[queue.value for queue in Queue], help="workers for this queue only")
    parser.add_argument("--processes", type=int, metavar="N", help="workers for each queue, 1 to 64")
    asked = parser.parse_args(argv)
    if asked.queue and asked.role != "worker":
        parser.error("--queue goes with the role worker")
    if asked.processes is not None and not 1 <= asked.processes <= 64:
        parser.error("--processes wants a number from 1 to 64")
    return asked


def plan(
    asked: argparse.Namespace, config: Config, tables: Tables, make_app: Callable[[Config], Flask] = create_app
) -> Mapping[str, Callable[[], object]]:
    """The processes that were asked for, by name; those that work share one app, made here."""
    processes: dict[str, Callable[[], object]] = {}
    if asked.role in {None, "relay"}:
        processes["relay"] = partial(_relay, config, tables)
    if asked.role in {None, "schedule"}:
        processes["schedule"] = partial(_schedule, config, tables)
    if asked.role in {None, "worker"}:
        app = make_app(config)
        for queue in [Queue(asked.queue)] if asked.queue else Queue:
            for number in range(1, (asked.processes or config.workers) + 1):
                processes[f"{queue}-{number}"] = partial(work, app, queue, tables.topics)
    return processes


def _relay(config: Config, tables: Tables) -> None:
    relay(config.database_url, config.redis_url, tables.topics, clock_of(config), Stop().listen())


def _schedule(config: Config, tables: Tables) -> None:
    schedule(config.database_url, tables.tasks, clock_of(config), Stop().listen())


def main(argv: Sequence[str], tables: Tables) -> None:
    """Run what the command line asks for: a single process as this one, several under a supervisor."""
    asked = arguments(argv)
    try:
        config = Config.from_env(os.environ)
        retention.judge(config, RETENTION)
        city_folder.take(config)
        keys.refuse_missing(config)
        logs.configure(config.log_level)
        processes = plan(asked, config, tables)
    except ConfigError as error:
        sys.exit(f"Cannot start: {error}")
    # Forked processes share these pages, instead of copying each that a collection looks through.
    gc.collect()
    gc.freeze()
    if len(processes) == 1:
        next(iter(processes.values()))()
    else:
        supervise(processes, Stop().listen())


if __name__ == "__main__":
    main(sys.argv[1:], Tables(TOPICS, TASKS))
