"""Operator commands of the platform: `flask --app wsgi database …`, `outbox …`, `audit …`."""

import csv
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import func, select, update

from wxapi.kernel.clock import SHANGHAI
from wxapi.kernel.file_text import no_formula
from wxapi.platform import (
    audit_chain,
    audit_grants,
    audit_reading,
    city_folder,
    doctor,
    migrate,
    refusals,
    retention,
)
from wxapi.platform.audit import AuditRow
from wxapi.platform.audit_reading import AuditLine, AuditQuestion
from wxapi.platform.commands import DAY, CommandGroup, whole_or_none
from wxapi.platform.db import db, transaction
from wxapi.platform.outbox import OutboxRow, product_now
from wxapi.platform.runtime import runtime

outbox = CommandGroup("outbox", help="What is still to be done, and what was given up.")
database = CommandGroup("database", help="The schema.")
audit = CommandGroup("audit", help="Who did what: is the record whole?")
retention_group = CommandGroup("retention", help="How long what is kept, and what is past its time.")


@database.command("upgrade")
def upgrade() -> None:
    """Bring the database to the schema of this release. Does nothing when it is there already."""
    migrate.upgrade(runtime().config.database_url)
    click.echo("The database has the schema of this release.")


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
        query = update(OutboxRow).where(OutboxRow.dead).values(dead=False, attempts=0, due_at=product_now())
        if topic:
            query = query.where(OutboxRow.topic == topic)
        result = session.execute(query.execution_options(synchronize_session=False))
    click.echo(f"{result.rowcount} rows will be tried again.")  # type: ignore[attr-defined]


@audit.command("verify")
@click.option(
    "--head", metavar="SEQ:HEX", help="A head noted earlier, as `audit head` or the log line audit_sealed shows."
)
def verify(head: str | None) -> None:
    """Walk the chain; name every row that was altered, removed, inserted or relinked. Exit code 1 if there is one."""
    known = _head(head) if head else None
    faults = 0
    for fault in audit_chain.verify(db.session(), runtime().cipher, now=runtime().clock.now(), known=known):
        faults += 1
        click.echo(f"{fault.kind}: audit row {fault.audit_id or '-'}, link {fault.seq or '-'}")
    now = audit_chain.head_of(db.session())
    if faults:
        click.echo(f"{faults} faults in a chain of {now.seq} links.", err=True)
        sys.exit(1)
    rows = db.session.scalar(select(func.count()).select_from(AuditRow)) or 0
    click.echo(f"Whole: {now.seq} links; {rows - now.seq} rows wait for the next sealing. Head {now}")


@audit.command("head")
def show_head() -> None:
    """Print the head of the chain, to be kept outside the database."""
    click.echo(str(audit_chain.head_of(db.session())))


def _asking(command: Callable[..., None]) -> Callable[..., None]:
    """The options by which rows of the audit are chosen."""
    for option in reversed(
        (
            click.option("--subject", help="What it was done to, as `region:421002001001`."),
            click.option("--actor", "actor_id", type=click.UUID, help="The person who did it."),
            click.option("--action", help="What was done, or its beginning: `appointment` for all of appointment.…"),
            click.option("--since", type=DAY, help="The first day (Asia/Shanghai)."),
            click.option("--until", type=DAY, help="The first day no more (Asia/Shanghai)."),
        )
    ):
        command = option(command)
    return command


@audit.command("show")
@_asking
@click.option("--most", type=click.IntRange(1, 1000), default=100, show_default=True, help="Only the newest so many.")
def show(most: int, **asked: Any) -> None:
    """Show who did what to what, oldest first. Only ids and codes are kept; the look is audited itself."""
    question = _question_noted(asked)
    with transaction() as session:
        found = list(audit_reading.rows_of(session, question, most=most))
    for line in found:
        click.echo("  ".join(cell for cell in _cells(line) if cell))
    if not found:
        click.echo("Nothing.")


@audit.command("export")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@_asking
def export(file: Path, **asked: Any) -> None:
    """Write the audit to FILE (.csv, UTF-8), oldest first; the look is audited itself."""
    question = _question_noted(asked)
    count = 0
    with whole_or_none(file) as out, transaction() as session:
        writer = csv.writer(out)
        writer.writerow(("id", "at", "action", "subject", "actor", "address", "detail", "request_id"))
        for line in audit_reading.rows_of(session, question):
            cells = (*_cells(line), line.row.request_id or "")
            writer.writerow((line.row.id, *(no_formula(cell) for cell in cells)))
            count += 1
    click.echo(f"{count} rows are in {file}.")


@audit.command("refused")
@click.option("--since", type=DAY, help="The first day (Asia/Shanghai); default: the last 7.")
@click.option("--most", type=click.IntRange(1, 10_000), default=200, show_default=True, help="Only the latest so many.")
def refused(since: datetime | None, most: int) -> None:
    """Show what was refused: dead login codes and tokens (401), wrong roles (403), counted by hour and address."""
    now = runtime().clock.now()
    first = since.replace(tzinfo=SHANGHAI) if since else now - timedelta(days=7)
    audit_reading.note_operators_look("refused", now=now)
    with transaction() as session:
        found = refusals.recent(session, since=first, limit=most).items
        for row in found:
            last = row.last_at.astimezone(SHANGHAI).isoformat(timespec="seconds")
            who = f"{row.address or '-'}  {row.actor_id or '-'}"
            click.echo(f"{last}  {row.count} times  {row.endpoint}  {row.code}  {who}")
    if not found:
        click.echo("Nothing.")


def _question_noted(asked: dict[str, Any]) -> AuditQuestion:
    if asked["since"] and asked["until"] and asked["since"] >= asked["until"]:
        raise click.UsageError("--since wants a day before --until.")
    days = {name: asked[name].replace(tzinfo=SHANGHAI) if asked[name] else None for name in ("since", "until")}
    question = AuditQuestion(**(asked | days))
    audit_reading.note_operators_look(audit_reading.said(question), now=runtime().clock.now())
    return question


def _cells(line: AuditLine) -> tuple[str, ...]:
    row = line.row
    detail = " ".join(f"{name}={value}" for name, value in row.detail.items())
    at = row.at.astimezone(SHANGHAI).isoformat(timespec="seconds")
    return at, row.action, row.subject, str(row.actor_id or "system"), line.address or "", detail


@audit.command("grant")
@click.argument("role")
def grant(role: str) -> None:
    """Give a database ROLE what the API and the workers need: everything but changing or deleting the audit.

    Run it as the owner of the tables after each upgrade; then let DATABASE_URL name that role.
    """
    with transaction() as session:
        if not audit_grants.grant(session, role):
            raise click.ClickException(f"There is no database role {role}; make it with CREATE ROLE … LOGIN first.")
    click.echo(f"{role} may use every table and only add to the audit.")


def _span(kept: timedelta) -> str:
    """In days, or in hours where it is less than one."""
    return f"{kept.days} day{'s' * (kept.days > 1)}" if kept.days else f"{kept.total_seconds() / 3600:g} hours"


@retention_group.command("show")
def show_retention() -> None:
    """List what is kept, how long, why, and how much is past its time now. Changes nothing."""
    for each in retention.overview(now=runtime().clock.now()):
        kept = "for ever" if each.kept is None else _span(each.kept)
        past = "" if each.kept is None else f"; {each.due} past it"
        click.echo(f"{each.category.name}: {each.category.what}. Kept {kept}{past}. Why: {each.category.why}.")


@retention_group.command("run")
def run_retention() -> None:
    """Forget now what is past its time, as the workers do every hour."""
    done = retention.forget_due(now=runtime().clock.now())
    for name, number in done.items():
        click.echo(f"{name}: {number} forgotten")


def _head(text_: str) -> tuple[int, bytes]:
    seq, _, digest = text_.partition(":")
    try:
        return int(seq), bytes.fromhex(digest)
    except ValueError:
        raise click.BadParameter("a head looks like 1234:9f86d0…") from None


COMMANDS = (outbox, database, audit, retention_group, city_folder.group, doctor.doctor)
