"""Operator commands about people: `flask --app wsgi people …`."""

import uuid

import click
from flask.cli import AppGroup

from wxapi.identity import service
from wxapi.identity.service import NewAppointment
from wxapi.kernel.errors import DomainError
from wxapi.kernel.permissions import Role
from wxapi.platform.runtime import runtime

people = AppGroup("people", help="Who holds which office.")


@people.command("appoint")
@click.argument("user_id", type=click.UUID)
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.argument("region_code")
def appoint(user_id: uuid.UUID, role: str, region_code: str) -> None:
    """Appoint a person, from today on. USER_ID is the `id` of the person's own GET /api/v1/me.

    The first administrator of a city is made this way; administrators appoint everybody else by POST /appointments.
    """
    try:
        service.appoint_by_operator(NewAppointment(user_id, Role(role), region_code), now=runtime().clock.now())
    except DomainError as error:
        raise click.ClickException(f"[{error.code}] {error.detail}") from error
    click.echo(f"{user_id} is {role} of {region_code} and all below it.")
