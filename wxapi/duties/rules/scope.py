"""For which units a person acts, and above which a person stands. Pure.

The one definition of a unit's people: a region's own office is acted for by the roles of its level who are appointed
for it, for a region above it, or (a village) for one of its grids; every other unit by its unit officers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from wxapi.kernel.actor import Actor
from wxapi.kernel.permissions import Role
from wxapi.regions.rules.levels import CODE_LENGTH, Level
from wxapi.units.rules import is_region

# Roles that act for a region's own office, by its level.
ROLES_BY_LEVEL: Mapping[Level, frozenset[Role]] = {
    Level.VILLAGE: frozenset({Role.COMMUNITY_WORKER}),
    Level.TOWNSHIP: frozenset({Role.COMMUNITY_WORKER, Role.TOWNSHIP_OFFICER}),
    Level.COUNTY: frozenset({Role.COMMUNITY_WORKER, Role.TOWNSHIP_OFFICER, Role.SUPERVISOR}),
    Level.CITY: frozenset({Role.SUPERVISOR}),
}
# Roles that stand above the units of their region.
ABOVE = frozenset({Role.TOWNSHIP_OFFICER, Role.STREET_CHIEF, Role.SUPERVISOR})


@dataclass(frozen=True, slots=True)
class UnitScope:
    """Units by form: exact codes, and (prefix, length of the code) for offices at or below a region.

    Args:
        units: codes of units the person acts for.
        offices: every region's office whose code begins with the first and has the length of the second.
        below: prefixes; the person stands above every unit whose code begins with one (empty while acting only).
    """

    units: frozenset[str] = frozenset()
    offices: frozenset[tuple[str, int]] = frozenset()
    below: frozenset[str] = frozenset()

    def holds(self, unit_code: str) -> bool:
        """Whether a unit is in the scope."""
        if unit_code in self.units or any(unit_code.startswith(prefix) for prefix in self.below):
            return True
        return is_region(unit_code) and any(
            unit_code.startswith(prefix) and len(unit_code) == length for prefix, length in self.offices
        )


def acts_for(actor: Actor) -> UnitScope:
    """The units a person acts for now."""
    units: set[str] = set()
    offices: set[tuple[str, int]] = set()
    for held in actor.appointments:
        if held.unit_code is not None:
            units.add(held.unit_code)
            continue
        for level, roles in ROLES_BY_LEVEL.items():
            length = CODE_LENGTH[level]
            if held.role in roles and length >= len(held.region_code):
                offices.add((held.region_code, length))
        if held.role is Role.COMMUNITY_WORKER and len(held.region_code) == CODE_LENGTH[Level.GRID]:
            units.add(held.region_code[: CODE_LENGTH[Level.VILLAGE]])
    return UnitScope(frozenset(units), frozenset(offices))


def acts_with(actor: Actor, roles: frozenset[Role]) -> UnitScope:
    """The offices a person acts for in one kind of duties only, by roles of their own: of the region and all below."""
    regions = actor.regions(roles)
    lengths = CODE_LENGTH.values()
    return UnitScope(offices=frozenset((code, each) for code in regions for each in lengths if each >= len(code)))


def sees(actor: Actor) -> UnitScope:
    """The units whose duties a person may read: those they act for, and those they stand above."""
    own = acts_for(actor)
    return UnitScope(own.units, own.offices, frozenset(actor.regions(ABOVE)))


def stands_above(actor: Actor, unit_code: str) -> bool:
    """Whether a person holds an office of a region above a unit."""
    return any(
        held.role in ABOVE and held.covers(unit_code) and len(held.region_code) < len(unit_code)
        for held in actor.appointments
    )
