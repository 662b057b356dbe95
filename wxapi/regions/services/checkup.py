"""What an operator hears about boundaries, and about what still lies with closed regions."""

from collections.abc import Iterable
from datetime import datetime

from prometheus_client import Gauge

from wxapi.kernel.city import city
from wxapi.platform.conditions import Condition
from wxapi.platform.db import db
from wxapi.platform.doctor import DoctorCheck, FaultError
from wxapi.platform.runtime import runtime
from wxapi.regions import queries
from wxapi.regions.rules.soundness import Hole, Soundness, soundness_of
from wxapi.regions.rules.tree import RegionInfo, Tree
from wxapi.regions.services import changing, holdings
from wxapi.regions.services.snapshot import regions_cache

_SHOWN = 5


def _boundaries() -> str:
    session = db.session()
    # Read anew: the process's own index has nothing of what is broken.
    regions = Tree(queries.current_version(session), queries.all_names(session), queries.closures(session))
    if not regions.standing:
        raise FaultError("there is no region yet: run `flask --app wsgi regions import`.")
    if foreign := sorted(code for code in regions.standing if not code.startswith(city().code)):
        raise FaultError(
            f"{len(foreign)} regions are not of {city().name} ({city().code}), whose rules this process has: "
            f"{_listed(foreign)}. Name the folder of their city by WXAPI_CITY_FOLDER."
        )
    boundaries = queries.kept_boundaries(session)
    found = soundness_of(regions, boundaries)
    if faults := list(_faults(found)):
        raise FaultError(" ".join(faults))
    told = f"{len(boundaries)} for {len(regions.standing)} regions"
    return f"{told}; in no village, a lake perhaps: {_holes(found.open_ground)}" if found.open_ground else told


def _faults(found: Soundness) -> Iterable[str]:
    if found.missing:
        yield f"{len(found.missing)} regions have none: {_listed(map(_named, found.missing))}."
    if found.broken:
        yield f"{len(found.broken)} are no valid polygons: {_listed(map(_named, found.broken))}."
    if found.overlapping:
        pairs = (f"{_named(one)} and {_named(other)} ({_area(m2)})" for one, other, m2 in found.overlapping)
        yield f"{len(found.overlapping)} pairs overlap: {_listed(pairs)}."
    if found.gaps:
        yield f"{len(found.gaps)} gaps are in no village: {_holes(found.gaps)}."


def _holes(holes: Iterable[Hole]) -> str:
    return _listed(f"{_area(hole.area_m2)} between {_listed(map(_named, hole.around))}" for hole in holes)


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def _named(region: RegionInfo) -> str:
    return f"{region.code} {region.name}"


def _area(square_metres: float) -> str:
    return f"{square_metres / 1e6:.1f} km²" if square_metres >= 100_000 else f"{square_metres:,.0f} m²"


def _closed() -> str:
    """Whatever could not be handed on."""
    session, now = db.session(), runtime().clock.now()
    closed = changing.closed_with_successor(session)
    if not holdings.counted(session, closed, now):
        return f"nothing lies with the {len(closed)} closed regions that have a successor"
    each_left = ((code, holdings.counted(session, [code], now)) for code in closed)
    left = [f"{code} ({', '.join(f'{zh} {count}' for zh, count in held.items())})" for code, held in each_left if held]
    raise FaultError(
        f"{len(left)} closed regions still hold what must go on: {_listed(left)}. Within a minute or two of a change"
        " that is usual; else the workers' log says why (`row_not_swept`, regions.settle). It is tried once an hour."
    )


def _left_out(_now: datetime) -> int:
    return len(regions_cache().get(db.session).index.left_out)


def _unsettled(now: datetime) -> int:
    session = db.session()
    return sum(holdings.counted(session, changing.closed_with_successor(session), now).values())


CHECKS = (DoctorCheck("boundaries", _boundaries), DoctorCheck("closed regions", _closed))
CONDITIONS = (
    Condition(
        "boundaries_left_out",
        Gauge(
            "wxapi_boundaries_left_out",
            "Boundaries in which no point can be looked for",
            multiprocess_mode="mostrecent",
        ),
        _left_out,
    ),
    Condition(
        "with_closed_regions",
        Gauge(
            "wxapi_with_closed_regions",
            "What still lies with closed regions and must go on",
            multiprocess_mode="mostrecent",
        ),
        _unsettled,
    ),
)
