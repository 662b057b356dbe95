"""Operator commands: `flask --app wsgi messages …`."""

import click

from wxapi.notifications.models import Template
from wxapi.notifications.queries import messages as queries
from wxapi.notifications.queries.registered import registered
from wxapi.notifications.rules.notices import MessageKind
from wxapi.notifications.rules.template_fields import is_known
from wxapi.notifications.services import templates as service
from wxapi.platform.commands import CommandGroup
from wxapi.platform.db import db
from wxapi.platform.runtime import runtime

messages = CommandGroup("messages", help="Subscribe messages: which template serves which kind of message.")


@messages.command("templates")
def templates() -> None:
    """List the chosen templates."""
    rows = queries.templates(db.session())
    if not rows:
        click.echo(
            "No template is chosen: everything goes to the inbox only. See `flask messages set-template --help`."
        )
    for row in rows:
        mapped = " ".join(f"{key}={name}" for key, name in sorted(row.fields.items()))
        click.echo(f"{row.kind}: {row.template_id} {mapped}{' (long-term)' if row.long_term else ''}")


@messages.command("set-template")
@click.argument("kind")
@click.argument("template_id")
@click.argument("fields", nargs=-1, required=True, metavar="KEY=VALUE_NAME...")
@click.option("--page", help="Opened by a tap; {id} is replaced. Example: pages/report/report?id={id}")
@click.option("--long-term", is_flag=True, help="One consent serves for many messages (public-service categories).")
def set_template(kind: str, template_id: str, fields: tuple[str, ...], page: str | None, *, long_term: bool) -> None:
    """Choose the template of a kind: its id in WeChat's console, and what goes into which field.

    Example: flask --app wsgi messages set-template report_progress x3mT… character_string1=number phrase2=state
    """
    known = registered().kinds
    if kind not in known:
        raise click.BadParameter(f"{kind}: the kinds are {', '.join(known)}")
    mapped = dict(_field(given, known[kind]) for given in fields)
    if page and page.startswith(("/", "http")):
        raise click.BadParameter(f"{page}: a page has no leading slash and no address")
    chosen = Template(kind=kind, template_id=template_id, fields=mapped, page=page, long_term=long_term)
    service.set_template(chosen, now=runtime().clock.now())
    click.echo(f"{kind} is sent with template {template_id} from now on.")


def _field(given: str, kind: MessageKind) -> tuple[str, str]:
    key, _, name = given.partition("=")
    if not is_known(key):
        raise click.BadParameter(f"{key or given} is no key of a template's field, such as thing1 or time3")
    if name not in kind.values:
        raise click.BadParameter(f"{given}: the values are {', '.join(sorted(kind.values))}")
    return key, name
