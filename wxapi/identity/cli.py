"""Operator commands about people: `flask --app wsgi people …`."""

import sys
import uuid
from pathlib import Path

import click

from wxapi.identity.services import appointments, personal_data, roster
from wxapi.identity.services.appointments import NewAppointment
from wxapi.identity.services.roster_files import check_rows, read_rows
from wxapi.kernel.errors import DomainError
from wxapi.kernel.permissions import Role
from wxapi.platform.commands import CommandGroup
from wxapi.platform.runtime import runtime
from wxapi.regions.services.lookup import tree

people = CommandGroup("people", help="Who holds which office, and what is held about somebody.")


@people.command("appoint")
@click.argument("user_id", type=click.UUID)
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.argument("region_code")
def appoint(user_id: uuid.UUID, role: str, region_code: str) -> None:
    """Appoint a person, from today on. USER_ID is the `id` of the person's own GET /api/v1/me.

    The first administrator of a city is made this way; administrators appoint everybody else by POST /appointments.
    """
    try:
        appointments.appoint_by_operator(NewAppointment(user_id, Role(role), region_code), now=runtime().clock.now())
    except DomainError as error:
        raise click.ClickException(f"[{error.code}] {error.detail}") from error
    click.echo(f"{user_id} is {role} of {region_code} and all below it.")


@people.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
def import_people(file: Path, *, dry_run: bool) -> None:
    """Import a list of people from FILE (.csv in UTF-8, or .xlsx), all or nothing.

    Columns: 姓名 name, 职务 post, 手机号 phone, 角色 role, 区域 region (code or full name). Who has bound the phone is
    appointed at once, everybody else when they bind it. A row that is there already changes nothing.
    """
    try:
        rows = check_rows(read_rows(file), tree())
        done = roster.import_people(rows, now=runtime().clock.now(), dry_run=dry_run)
    except DomainError as error:
        raise click.ClickException(f"[{error.code}] 未导入任何内容。\n{error.detail}") from error
    verb = "将导入" if dry_run else "已导入"
    click.echo(f"{verb} {done.written} 人，其中 {done.matched} 人已绑定手机号；{done.unchanged} 行此前已有。")


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
