"""Operator commands of the units: `flask --app wsgi units …`."""

from pathlib import Path

import click

from wxapi.kernel.errors import DomainError
from wxapi.platform.commands import CommandGroup
from wxapi.platform.runtime import runtime
from wxapi.units.services.matters import import_matters, read_matters

units = CommandGroup("units", help="Units and the townships' lists of matters.")


@units.command("import-matters")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--region", required=True, help="Code of the region the list holds for: a city, county or township.")
def import_matters_command(file: Path, region: str) -> None:
    """Replace a region's list of matters (履职事项清单) by FILE, all or nothing.

    FILE is CSV in UTF-8 with the columns code, name, kind (basic, cooperate or taken_back) and lead_unit_code.
    """
    try:
        count = import_matters(region, read_matters(file), now=runtime().clock.now())
    except DomainError as error:
        raise click.ClickException(f"[{error.code}] 未导入任何内容。\n{error.detail}") from error
    click.echo(f"已导入 {count} 个事项，适用于 {region}。")
