"""What a person is to a report: pure, from their appointments and from where the report lies and waits."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from wxapi.duties.rules.scope import ROLES_BY_LEVEL
from wxapi.kernel.actor import Actor, Appointment
from wxapi.kernel.permissions import DESK_ROLES, Role
from wxapi.kernel.transitions import PartiesOf
from wxapi.regions.rules.levels import level_of
from wxapi.reports.rules.state import Party, Who

# What a role can make of a person at all, wherever it is held: the difference between 403 and 409.
_CAPACITIES: dict[Role, frozenset[Party]] = {
    Role.COMMUNITY_WORKER: frozenset({Party.DESK_WORKER, Party.STAFF}),
    Role.TOWNSHIP_OFFICER: frozenset({Party.DESK_WORKER, Party.OFFICER, Party.STAFF}),
    Role.STREET_CHIEF: frozenset({Party.STREET_CHIEF, Party.STAFF}),
    Role.SUPERVISOR: frozenset({Party.DESK_WORKER, Party.SUPERVISOR, Party.STAFF}),
}


@dataclass(slots=True)
class Standing:
    """Where a report lies and waits, and what the person had to do with it before."""

    village_code: str
    desk_code: str | None
    grid_code: str | None = None
    exclusions: Collection[str] = ()
    is_reporter: bool = False
    has_joined: bool = False


def who_is(actor: Actor, standing: Standing) -> Who:
    """Everything a person is to a report.

    People of an excluded unit are nothing to it by office, whatever else they hold; what they filed themselves
    stays theirs.
    """
    parties: dict[Party, Appointment | None] = {}
    if standing.is_reporter:
        parties[Party.REPORTER] = None
    if not is_excluded(actor, standing.exclusions):
        if standing.has_joined:
            parties[Party.JOINER] = None
        if actor.appointments:
            parties |= _by_office(actor, standing)
    return PartiesOf(actor.user_id, parties)


def capacities(actor: Actor, standing: Standing) -> frozenset[Party]:
    """What the person could be to some report by their roles, and to this one by themselves."""
    found: set[Party] = {Party.REPORTER, Party.JOINER} & who_is(actor, standing).parties.keys()
    if not is_excluded(actor, standing.exclusions):
        found |= capacities_by_office(actor)
    return frozenset(found)


def capacities_by_office(actor: Actor) -> frozenset[Party]:
    """What the person could be to some report by their roles."""
    return frozenset().union(*(_CAPACITIES.get(each.role, frozenset()) for each in actor.appointments))


def reporter_label(number: int) -> str:
    """What a reporter is called: `number` is random for each report, so that no two can be linked."""
    return f"啄木鸟 {number}"


def is_excluded(actor: Actor, exclusions: Collection[str]) -> bool:
    """Whether the person is, was not long ago, or is to be appointed at or below an excluded region."""
    return any(place.startswith(code) for code in exclusions for place in actor.places)


def roles_at(desk_code: str) -> frozenset[Role]:
    """Roles that work at a desk: those that act for its region's office."""
    level = level_of(desk_code)
    return frozenset() if level is None else ROLES_BY_LEVEL.get(level, frozenset())


def works_at_desk(actor: Actor, standing: Standing) -> Appointment | None:
    """The appointment that makes a person one of the desk's workers; a grid's people are of its village's desk."""
    desk = standing.desk_code or ""
    roles = roles_at(desk)
    grid = standing.grid_code if standing.grid_code and standing.grid_code.startswith(desk) else None
    return next((a for a in actor.appointments if a.role in roles and (a.covers(desk) or a.region_code == grid)), None)


def _by_office(actor: Actor, standing: Standing) -> dict[Party, Appointment | None]:
    lies_in = standing.grid_code or standing.village_code
    over_desk = [a for a in actor.appointments if standing.desk_code and a.covers(standing.desk_code)]
    in_sight = [a for a in actor.appointments if a in over_desk or a.covers(lies_in)]
    found = {
        Party.DESK_WORKER: works_at_desk(actor, standing),
        Party.OFFICER: _first(over_desk, Role.TOWNSHIP_OFFICER),
        Party.STREET_CHIEF: _first(in_sight, Role.STREET_CHIEF),
        Party.SUPERVISOR: _first(over_desk, Role.SUPERVISOR),
        Party.STAFF: _first(in_sight, *DESK_ROLES),
    }
    return {party: appointment for party, appointment in found.items() if appointment is not None}


def _first(appointments: Iterable[Appointment], *roles: Role) -> Appointment | None:
    return next((a for a in appointments if a.role in roles), None)
