"""Operator commands of training: `flask --app wsgi training …`."""

import sys

import click

from wxapi.platform.commands import CommandGroup
from wxapi.platform.db import db
from wxapi.platform.runtime import runtime
from wxapi.training.queries.hours import settled_sessions
from wxapi.training.services.book_hours import recompute

training = CommandGroup("training", help="Credit hours.")


@training.command("recompute-hours")
@click.option("--year", type=click.IntRange(2000, 2100), help="Only sessions of this calendar year.")
@click.option("--write", is_flag=True, help="Book the differences; without it they are only counted.")
def recompute_hours(year: int | None, *, write: bool) -> None:
    """Reckon all credit hours again from the rolls and compare them with the ledger.

    Nothing should differ. Ends with status 1 when something does and `--write` was not given.
    """
    now = runtime().clock.now()
    session_ids = settled_sessions(db.session(), year)
    found = 0
    with click.progressbar(session_ids, label="Sessions") as bar:
        for session_id in bar:
            found += recompute([session_id], now=now, write=write)
    if not found:
        click.echo(f"{len(session_ids)} sessions: the ledger agrees with the rolls.")
        return
    click.echo(f"{found} entries {'were booked' if write else 'are missing'}.")
    if not write:
        sys.exit(1)
