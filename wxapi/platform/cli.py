"""Operator commands of the platform: `flask --app wsgi outbox …`."""

import click
from flask.cli import AppGroup
from sqlalchemy import func, select, update

from wxapi.platform.db import db, transaction
from wxapi.platform.outbox import OutboxRow

outbox = AppGroup("outbox", help="What is still to be done, and what was given up.")


@outbox.command("status")
def status() -> None:
    """Count the rows by topic: waiting, and given up."""
    rows = db.session.execute(
        select(
            OutboxRow.topic,
            func.count().filter(~OutboxRow.dead),
            func.count().filter(OutboxRow.dead),
            func.max(OutboxRow.last_error),
        )
        .group_by(OutboxRow.topic)
        .order_by(OutboxRow.topic)
    ).all()
    if not rows:
        click.echo("The outbox is empty: everything is done.")
    for topic, waiting, dead, error in rows:
        click.echo(f"{topic}: {waiting} waiting, {dead} given up{f' (last error: {error})' if error else ''}")


@outbox.command("retry")
@click.option("--topic", help="Only rows of this topic.")
def retry(topic: str | None) -> None:
    """Try again what was given up."""
    with transaction() as session:
        query = update(OutboxRow).where(OutboxRow.dead).values(dead=False, attempts=0, due_at=func.now())
        if topic:
            query = query.where(OutboxRow.topic == topic)
        result = session.execute(query.execution_options(synchronize_session=False))
    click.echo(f"{result.rowcount} rows will be tried again.")  # type: ignore[attr-defined]
