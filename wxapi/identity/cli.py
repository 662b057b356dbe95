"""Operator commands about people: `flask --app wsgi people …`."""

import csv
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

from wxapi.identity.services import (
    appointments,
    invitations,
    office_changes,
    office_reading,
    personal_data,
    roster,
    sessions,
)
from wxapi.identity.services.appointments import NewAppointment
from wxapi.identity.services.office_changes import StandIn
from wxapi.identity.services.roster_files import MAX_BYTES, check_rows, demand_faultless, read_rows
from wxapi.identity.services.roster_places import NamedUnits
from wxapi.kernel.clock import SHANGHAI
from wxapi.kernel.errors import DomainError, NotFoundError
from wxapi.kernel.file_text import no_formula
from wxapi.kernel.permissions import ROLE_NAMES, Role
from wxapi.platform.commands import DAY, CommandGroup, whole_or_none
from wxapi.platform.db import db
from wxapi.platform.runtime import runtime
from wxapi.regions.rules.levels import level_of, region_of
from wxapi.regions.services.lookup import tree


@contextmanager
def _sentences(absent: str) -> Iterator[None]:
    """Say in one sentence what was refused; an operator may see all there is, so also what is not (`absent`)."""
    try:
        yield
    except NotFoundError as error:
        raise click.ClickException(f"[{error.code}] {absent}") from error
    except DomainError as error:
        raise click.ClickException(f"[{error.code}] {error.detail}") from error


def _known(region_code: str) -> str:
    if region_code not in tree():
        raise click.ClickException(f"[not_found] There is no region {region_code}.")
    return region_code


people = CommandGroup("people", help="Who holds which office, and what is held about somebody.")


@people.command("appoint")
@click.argument("user_id", type=click.UUID)
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.argument("region_code")
def appoint(user_id: uuid.UUID, role: str, region_code: str) -> None:
    """Appoint a person, from today on. USER_ID is the `id` of the person's own GET /api/v1/me.

    The first administrator of a city is made this way; administrators appoint everybody else by POST /appointments.
    """
    _known(region_code)
    with _sentences(f"There is no person {user_id}: it is `id` of their own GET /api/v1/me."):
        appointments.appoint_by_operator(NewAppointment(user_id, Role(role), region_code), now=runtime().clock.now())
    click.echo(f"{user_id} is {role} of {region_code} and all below it.")


@people.command("offices")
@click.argument("region_code")
def offices(region_code: str) -> None:
    """Show who holds which office at or below a region, today or later, with the ids other commands take. Audited."""
    found = office_reading.shown_to_operator(_known(region_code), now=runtime().clock.now())
    for each in found:
        row = each.row
        until = f"{row.starts_on} – {row.ends_on or ''}"
        place = each.unit_name or each.region_name
        instead = f" 代理（{each.stands_in_for or '未列名'}）" if row.stands_in_for else ""
        click.echo(
            f"{row.id} {row.user_id} {until} {place} {row.role} {each.name or ''} {each.post or ''}{instead}".rstrip()
        )
    if not found:
        click.echo("Nobody.")


@people.command("end")
@click.argument("appointment_id", type=click.UUID)
@click.option("--on", "last_day", type=DAY, help="The last day; without it at once.")
def end(appointment_id: uuid.UUID, last_day: datetime | None) -> None:
    """End an appointment. APPOINTMENT_ID is the first column of `people offices`."""
    now = runtime().clock.now()
    with _sentences(f"There is no appointment {appointment_id} in force or to come: `people offices` lists them."):
        if last_day is None:
            appointments.end_appointment(None, appointment_id, now=now)
        else:
            office_changes.end_on(None, appointment_id, last_day.date(), now=now)
    click.echo(f"{appointment_id} ends {'now' if last_day is None else last_day.date()}.")


@people.command("move")
@click.argument("appointment_id", type=click.UUID)
@click.argument("code")
@click.option("--on", type=DAY, help="The first day there; today without it.")
def move(appointment_id: uuid.UUID, code: str, on: datetime | None) -> None:
    """Give the holder of an appointment the same role elsewhere: CODE is a region's, or a unit's for a unit officer."""
    unit = None if level_of(code) else code
    with _sentences(f"There is no appointment {appointment_id} in force or to come, or no place {code}."):
        made = office_changes.move(
            None, appointment_id, region_of(code), unit, on.date() if on else None, now=runtime().clock.now()
        )
    click.echo(f"{made.row.id}: {made.row.role} of {code} from {made.row.starts_on}.")


@people.command("stand-in")
@click.argument("appointment_id", type=click.UUID)
@click.argument("user_id", type=click.UUID)
@click.option("--from", "since", type=DAY, required=True, help="The first day.")
@click.option("--to", "until", type=DAY, required=True, help="The last day.")
def stand_in(appointment_id: uuid.UUID, user_id: uuid.UUID, since: datetime, until: datetime) -> None:
    """Have USER_ID stand in (代理) for the holder of an appointment, with the same rights, from day to day."""
    wanted = StandIn(user_id, since.date(), until.date())
    with _sentences(f"There is no appointment {appointment_id} in force or to come, or no person {user_id}."):
        made = office_changes.stand_in(None, appointment_id, wanted, now=runtime().clock.now())
    click.echo(f"{made.row.id}: {user_id} stands in from {wanted.since} to {wanted.until}.")


@people.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
def import_people(file: Path, *, dry_run: bool) -> None:
    """Import a list of people from FILE (.csv in UTF-8 or GB 18030, or .xlsx), all or nothing.

    Columns: 姓名 name, 职务 post, 手机号 phone, 角色 role, 区域 region, 单位 unit. A unit officer is of a unit,
    everybody else of a region, each by code or full name. Who has bound the phone is appointed at once, everybody else
    when they bind it. A row that is there already changes nothing.
    """
    try:
        with file.open("rb") as opened:
            rows = read_rows(opened.read(MAX_BYTES + 1))
        with click.progressbar(length=len(rows), label="检查", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
            units = NamedUnits(db.session(), None)
            checked = check_rows(rows, tree(), units, progress=lambda done: bar.update(done - bar.pos))
        done = roster.import_people(demand_faultless(checked), now=runtime().clock.now(), dry_run=dry_run)
    except DomainError as error:
        raise click.ClickException(f"[{error.code}] 未导入任何内容。\n{error.detail}") from error
    verb = "将导入" if dry_run else "已导入"
    renamed = f"更新 {done.changed} 人的姓名或职务；" if done.changed else ""
    click.echo(f"{verb} {done.written} 人，其中 {done.matched} 人已绑定手机号；{renamed}{done.unchanged} 行此前已有。")


@people.command("slips")
@click.argument("region_code")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def make_slips(region_code: str, file: Path) -> None:
    """Write slips (邀请单) for all of the list at or below a region who have not come to FILE (.csv), one line each.

    A code is for who has another phone than the list says. It is good once, for 30 days, and stands in FILE and nowhere
    else; a code that somebody had before is good no more. Audited. Administrators print slips from /desk/people.
    """
    _known(region_code)
    with whole_or_none(file) as out:
        slips = invitations.make_slips_below(region_code, now=runtime().clock.now())
        writer = csv.writer(out)
        writer.writerow(("姓名", "职务", "角色", "区域或单位", "邀请码", "有效期至"))
        for slip in slips:
            offices = [(ROLE_NAMES[Role(each.role)], each.unit_name or each.region_name) for each in slip.offices]
            roles, places = ("、".join(dict.fromkeys(words)) for words in zip(*offices, strict=True))
            until = slip.expires_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
            writer.writerow([no_formula(cell) for cell in (slip.name, slip.post, roles, places, slip.code, until)])
    click.echo(f"{len(slips)} slips are in {file}.")


@people.command("sessions")
@click.argument("user_id", type=click.UUID)
@click.option("--end", is_flag=True, help="Sign the person out everywhere.")
def show_sessions(user_id: uuid.UUID, *, end: bool) -> None:
    """List the phones and browsers on which USER_ID is signed in, or end them all. Both are audited."""
    now = runtime().clock.now()
    with _sentences(f"There is no person {user_id}."):
        if end:
            click.echo(f"{sessions.end_all_of(None, user_id, now=now)} sessions ended.")
            return
        found = sessions.list_of(None, user_id, now=now)
    for each in found:
        used = each.last_used_at.astimezone(SHANGHAI).isoformat(timespec="minutes")
        click.echo(f"{used}  {each.browser or 'phone'}  {each.place or ''}".rstrip())
    if not found:
        click.echo("Signed in nowhere.")


@people.command("held")
def held() -> None:
    """Show what is held about a person and why. Asks for the openid, or reads it from standard input.

    Not an argument: those stay in the shell's history and in the list of processes. The look is audited.
    """
    openid = click.prompt("openid", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    found = personal_data.held_about(openid.strip(), now=runtime().clock.now())
    if found is None:
        click.echo("Nothing is held about this openid.")
        return
    for each in found:
        amounts = ", ".join(f"{name} {number}" for name, number in each.amounts.items() if number)
        click.echo(f"{each.name}: {amounts or 'nothing'}. Why: {each.why}.")
    click.echo("How long: flask --app wsgi retention show. The person reads all of it by GET /api/v1/me/data.")
