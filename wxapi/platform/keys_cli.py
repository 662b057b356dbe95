"""Operator commands about keys: `flask --app wsgi keys …`."""

import sys

import click

from wxapi.platform import keys, rewrap
from wxapi.platform.commands import CommandGroup
from wxapi.platform.db import db
from wxapi.platform.runtime import runtime

_SHOWN_FAULTS = 20
group = CommandGroup("keys", help="Keys: which ones data need, and moving data to the newest.")


@group.command("status")
def status() -> None:
    """Say which keys data need and whether the settings have them. Exit code 1 if one is missing."""
    faults = keys.missing(db.session(), runtime().config)
    for row in keys.known(db.session()):
        use = f"writes since {row.since:%Y-%m-%d}" if row.since else "read with only, so far"
        click.echo(f"{row.kind} {row.name}: {use}")
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        sys.exit(1)
    click.echo("The settings have every key that data need.")


@group.command("rewrap")
def rewrap_all() -> None:
    """Seal everything again under the first key of WXAPI_ENCRYPTION_KEYS, so that older ones can go.

    With several keys in WXAPI_LOOKUP_KEY the digests by which people are found are made anew, too, under the first.
    Runs beside the API, in small batches; stopped and started again it goes on. Restart every process with the new
    settings before, or what still runs with the old ones seals with the old key meanwhile.
    """
    keys.confirm()
    faults: list[str] = []
    for step in rewrap.steps():
        changed = 0
        with click.progressbar(length=step.count, label=step.name, file=sys.stderr) as bar:
            for batch in step.run():
                bar.update(batch.seen)
                changed += batch.changed
                faults += batch.faults
        click.echo(f"{step.name}: {changed} of {step.count} changed")
    for fault in faults[:_SHOWN_FAULTS]:
        click.echo(f"cannot be changed: {fault}", err=True)
    if faults:
        click.echo(f"{len(faults)} values stay under an older key.", err=True)
        sys.exit(1)
    for name in rewrap.retire():
        where = "WXAPI_LOOKUP_KEY, not of WXAPI_AUDIT_KEYS," if name.startswith("look-up") else "WXAPI_ENCRYPTION_KEYS"
        click.echo(f"Nothing needs {name} any more: take that key out of {where} and restart.")
    click.echo(f"Everything is sealed with {runtime().cipher.first}.")
