"""Operator commands of the regions: `flask --app wsgi regions …`."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeVar

import click

from wxapi.kernel.coordinates import Datum
from wxapi.kernel.errors import DomainError
from wxapi.platform.commands import CommandGroup
from wxapi.platform.runtime import runtime
from wxapi.regions.rules.checking import OVERLAP_TOLERANCE_M
from wxapi.regions.services.importing import import_regions
from wxapi.regions.services.sources import read_file

Item = TypeVar("Item")

regions = CommandGroup("regions", help="The tree of regions and their boundaries.")


@regions.command("import")
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
)
@click.option(
    "--datum",
    required=True,
    type=click.Choice([datum.value for datum in Datum]),
    help="Datum of every coordinate in the files. There is no default: a wrong one moves all borders by 600 m. "
    "Surveys are cgcs2000 (taken as wgs84), map services of China gcj02.",
)
@click.option(
    "--overlap-tolerance",
    metavar="METRES",
    default=OVERLAP_TOLERANCE_M,
    show_default=True,
    type=click.FloatRange(0.1, 100),
    help="Regions of one level may overlap by strips up to this width.",
)
def import_command(files: tuple[Path, ...], datum: str, overlap_tolerance: float) -> None:
    """Import regions and boundaries from one or more FILEs, all or nothing.

    \b
    FILE is one of, each also gzipped (.gz):
      .geojson  FeatureCollection of Polygon or MultiPolygon in degrees, longitude
                first; properties code, name and, if you like, level and parent
      .csv      the tree alone: code,name,level,parent

    \b
    Levels and lengths of codes; each code begins with its parent's:
      city 4, county 6, township 9, village 12, grid 15

    Parents must be in the files or already imported. Boundaries of the regions named are replaced, others stay.
    Running API processes and workers use the new boundaries within seconds, without a restart.

    \b
    Example:
      flask --app wsgi regions import tree.csv villages.geojson.gz --datum cgcs2000
    """  # noqa: D301 - click's mark for a paragraph that keeps its lines
    try:
        entries = [entry for path in _tracked("读取文件", files) for entry in read_file(path)]
        summary = import_regions(
            entries,
            Datum(datum),
            now=runtime().clock.now(),
            overlap_tolerance_m=overlap_tolerance,
            track=_tracked,
        )
    except DomainError as error:
        raise click.ClickException(f"[{error.code}] 未导入任何内容。\n{error.detail}") from error
    click.echo(f"已导入 {summary.regions} 个区域、{summary.boundaries} 条边界,边界版本 {summary.version}。")


def _tracked(label: str, items: Collection[Item]) -> Iterator[Item]:
    with click.progressbar(items, label=label) as bar:
        yield from bar
