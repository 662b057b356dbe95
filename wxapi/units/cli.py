"""Operator commands of the units: `flask --app wsgi units …`."""

from pathlib import Path

import click

from wxapi.kernel.errors import DomainError
from wxapi.platform.commands import CommandGroup
from wxapi.platform.runtime import runtime
from wxapi.units.services.matters import MOST_READ, import_matters, read_matters

units = CommandGroup("units", help="Units and the townships' lists of matters.")


@units.command("import-matters")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--region", required=True, help="Code of the region the list holds for: a city, county or township.")
def import_matters_command(file: Path, region: str) -> None:
    """Replace a region's list of matters (履职事项清单) by FILE, all or nothing.

    FILE is .csv in UTF-8 or GB 18030, or .xlsx. Columns: 代码 code, 名称 name, 类别 kind (basic 基本履职事项, cooperate
    配合履职事项 or taken_back 上级部门收回事项), 牵头单位代码 lead_unit_code, of a unit that there is, or empty.
    """
    try:
        with file.open("rb") as opened:
            matters = read_matters(opened.read(MOST_READ))
        count = import_matters(region, matters, now=runtime().clock.now())
    except DomainError as error:
        raise click.ClickException(f"[{error.code}] 未导入任何内容。\n{error.detail}") from error
    click.echo(f"已导入 {count} 个事项，适用于 {region}。")
