"""Operator commands of the regions: `flask --app wsgi regions …`."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

from wxapi.kernel.coordinates import Datum
from wxapi.kernel.errors import DomainError
from wxapi.platform.commands import DAY, CommandGroup, tracked
from wxapi.platform.runtime import runtime
from wxapi.regions.rules.checking import OVERLAP_TOLERANCE_M
from wxapi.regions.services import changing
from wxapi.regions.services.changing import Changed, Merger
from wxapi.regions.services.importing import ImportSummary, Orders, import_regions
from wxapi.regions.services.lookup import region_names
from wxapi.regions.services.sources import read_file

# So many names of one kind are shown; the count says the rest.
_SHOWN = 20

regions = CommandGroup("regions", help="The tree of regions and their boundaries.")
_on = click.option("--on", type=DAY, required=True, help="The last day of what is closed, today or before.")
_dry_run = click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")


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
@click.option(
    "--closing",
    metavar="CODE=CODE",
    multiple=True,
    help="A region that ends with this import and its successor, as often as needed: 421002001001=421002001009.",
)
@click.option("--on", type=DAY, help="The last day of what --closing names, today or before.")
@_dry_run
def import_command(
    files: tuple[Path, ...],
    datum: str,
    overlap_tolerance: float,
    closing: tuple[str, ...],
    on: datetime | None,
    *,
    dry_run: bool,
) -> None:
    """Import regions and boundaries from one or more FILEs, all or nothing.

    \b
    FILE is one of, each also gzipped (.gz):
      .geojson  FeatureCollection of Polygon or MultiPolygon in degrees, longitude
                first; properties code, name and, if you like, level and parent
      .csv      the tree alone: code,name,level,parent, in UTF-8 or GB 18030
      .xlsx     the same on its first sheet

    \b
    Levels and lengths of codes; each code begins with its parent's:
      city 4, county 6, township 9, village 12, grid 15

    Parents must be in the files or already imported. Boundaries of the regions named are replaced, others stay.
    Running API processes and workers use the new boundaries within seconds, without a restart.

    \b
    Example:
      flask --app wsgi regions import tree.csv villages.geojson.gz --datum cgcs2000
    """  # noqa: D301 - click's mark for a paragraph that keeps its lines
    if bool(closing) != bool(on):
        raise click.UsageError("--closing and --on go together.")
    orders = Orders(overlap_tolerance, _pairs(closing), on.date() if on else None, dry_run)
    with _refusing("未导入任何内容。"):
        entries = [entry for path in tracked("读取文件", files) for entry in read_file(path)]
        summary = import_regions(entries, Datum(datum), now=runtime().clock.now(), orders=orders, track=tracked)
    _tell_import(summary)


@regions.command("close")
@click.argument("codes", metavar="CODE...", nargs=-1, required=True)
@click.option("--into", metavar="CODE", help="Who goes on; left out only where nothing is left to be done.")
@click.option("--name", help="Of a successor that does not exist yet: two villages become a third.")
@click.option(
    "--keep-boundary", is_flag=True, help="The successor's ground stays as it is; its new border is imported."
)
@_on
@_dry_run
def close_command(
    codes: tuple[str, ...], into: str | None, name: str | None, on: datetime, *, keep_boundary: bool, dry_run: bool
) -> None:
    """Close regions (撤销、合村并居). Open reports, appointments, sessions and duties go to the successor.

    The successor's ground becomes its own and theirs. A closed region keeps its name in what is old.
    """
    if name is not None and into is None:
        raise click.UsageError("--name needs --into.")
    merger = Merger(codes, into, name, keep_boundary)
    with _refusing("未作任何更改。"):
        changed = changing.close_regions(merger, on=on.date(), now=runtime().clock.now(), dry_run=dry_run)
    _tell_change(changed, {into: name} if into and name else {})


@regions.command("recode")
@click.argument("old")
@click.argument("new")
@click.option("--name", help="Its new name; left out, the name stays.")
@_on
@_dry_run
def recode_command(old: str, new: str, name: str | None, on: datetime, *, dry_run: bool) -> None:
    """Give a region, and with it all below it, a NEW code: what lies with OLD goes there."""
    with _refusing("未作任何更改。"):
        changed = changing.recode_region(old, new, name=name, on=on.date(), now=runtime().clock.now(), dry_run=dry_run)
    _tell_change(changed, {new: name} if name else {})


@regions.command("rename")
@click.argument("code")
@click.argument("name")
@_dry_run
def rename_command(code: str, name: str, *, dry_run: bool) -> None:
    """Give a region another NAME."""
    with _refusing("未作任何更改。"):
        former = changing.rename_region(code, name, now=runtime().clock.now(), dry_run=dry_run)
    click.echo(f"{code}：{former} {'将' if dry_run else '已'}更名为 {name}。{'未作任何更改。' if dry_run else ''}")


@contextmanager
def _refusing(nothing: str) -> Iterator[None]:
    try:
        yield
    except DomainError as error:
        raise click.ClickException(f"[{error.code}] {nothing}\n{error.detail}") from error


def _pairs(closing: Iterable[str]) -> dict[str, str | None]:
    pairs = dict[str, str | None]()
    for each in closing:
        old, equals, new = each.partition("=")
        if not equals:
            raise click.UsageError(f"--closing wants CODE=CODE, not {each}.")
        pairs[old] = new or None
    return pairs


def _tell_import(summary: ImportSummary) -> None:
    _tell_names("新增", [f"{code} {name}" for code, name in summary.added.items()])
    _tell_names("更名", [f"{code} {old} → {new}" for code, (old, new) in summary.renamed.items()])
    _tell_names("边界变化", summary.redrawn)
    if summary.closed:
        _tell_closed(summary.closed, summary.moved, summary.added)
    counts = f"{summary.regions} 个区域、{summary.boundaries} 条边界"
    if summary.version is None:
        click.echo(f"将导入 {counts}。未作任何更改。")
    else:
        click.echo(f"已导入 {counts}，边界版本 {summary.version}。")


def _tell_change(changed: Changed, coming: Mapping[str, str]) -> None:
    _tell_closed(changed.closed, changed.moved, coming)
    click.echo("未作任何更改。" if changed.version is None else f"已完成，边界版本 {changed.version}。")


def _tell_closed(closed: Mapping[str, str | None], moved: Mapping[str, int], coming: Mapping[str, str]) -> None:
    """`coming`: code → name of regions that a dry run does not make."""
    names = {**coming, **region_names([*closed, *(code for code in closed.values() if code)])}
    _tell_names("撤销", [f"{_named(old, names)} → {_named(new, names)}" for old, new in closed.items()])
    click.echo("移交：" + ("、".join(f"{zh} {count}" for zh, count in moved.items()) or "无") + "。")


def _named(code: str | None, names: Mapping[str, str]) -> str:
    return f"{code} {names.get(code, '')}".strip() if code else "无"


def _tell_names(what: str, lines: Collection[str]) -> None:
    if not lines:
        return
    click.echo(f"{what} {len(lines)}：")
    for line in list(lines)[:_SHOWN]:
        click.echo(f"  {line}")
    if len(lines) > _SHOWN:
        click.echo(f"  ……另有 {len(lines) - _SHOWN} 个。")
