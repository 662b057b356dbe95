"""Operator commands of the statistics: `flask --app wsgi statistics …`."""

import sys
from datetime import datetime, timedelta

import click

from wxapi.duties.services.retention import kept
from wxapi.kernel.clock import day_begins, local_day
from wxapi.platform.commands import DAY, CommandGroup
from wxapi.platform.db import db
from wxapi.platform.runtime import runtime
from wxapi.reports.services.duty_checks import differing
from wxapi.supervision.services import keeping
from wxapi.training.services import owing

statistics = CommandGroup("statistics", help="Are the figures what the histories say?")


@statistics.command("verify")
@click.option("--from", "since", type=DAY, help="First day, Shanghai; default: 30 days ago.")
@click.option("--to", "until", type=DAY, help="The day after the last; default: tomorrow.")
def verify(since: datetime | None, until: datetime | None) -> None:
    """Fold the history of every report routed in a time again and compare all its duties.

    What is open of sessions is compared with what waits for a decision there, whenever it began. Every month whose
    sums are kept is counted again, too, and compared. Prints the ids of reports and sessions, and the counties and
    months, that differ, and ends with 1 if there are any.
    """
    if since and until and since >= until:
        raise click.UsageError("--from wants a day before --to.")
    today = local_day(runtime().clock.now())
    # What is older than duties are kept has none any more to compare.
    first = max(since.date() if since else today - timedelta(days=30), today - kept())
    last = until.date() if until else today + timedelta(days=1)
    different = sessions = 0
    for report_id in differing(db.session(), day_begins(first), day_begins(last)):
        click.echo(str(report_id))
        different += 1
    for session_id in owing.differing(db.session(), now=runtime().clock.now()):
        click.echo(str(session_id))
        sessions += 1
    wrong = 0
    for month in keeping.differing(db.session()):
        click.echo(f"{month.county_code} {month.first:%Y-%m}")
        wrong += 1
    click.echo(f"{different} reports differ, {sessions} sessions differ, {wrong} kept months differ.", err=True)
    sys.exit(1 if different or sessions or wrong else 0)
