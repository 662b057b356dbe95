"""The person on whose behalf something is done, as every service function takes it."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from wxapi.kernel.permissions import ROLES_OF, Permission, Role


@dataclass(frozen=True, slots=True)
class Appointment:
    """A role for a region and all below it. Codes of lower regions begin with those of the higher.

    A unit officer acts for one unit that is no region; `region_code` is the region the unit hangs on.
    """

    role: Role
    region_code: str
    unit_code: str | None = None

    def covers(self, region_code: str) -> bool:
        """Whether the region is this one or lies below it; a unit officer has no region."""
        return self.unit_code is None and region_code.startswith(self.region_code)


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person with the appointments in force now.

    Args:
        user_id: the person.
        appointments: in force on `day`.
        rights_version: of the person when the appointments were read; None for an Actor that no request brought.
        day: the Asia/Shanghai day on which they were read.
        ties: regions of appointments that are to come or were over not long ago. They give no right; they keep the
            person from what is hidden from the people there.
        confirmed_at: when the person's phone last said that it is they, at the login or since; else None.
    """

    user_id: uuid.UUID
    appointments: tuple[Appointment, ...] = ()
    rights_version: int | None = field(default=None, compare=False)
    day: date | None = field(default=None, compare=False)
    ties: tuple[str, ...] = ()
    confirmed_at: datetime | None = field(default=None, compare=False)

    @property
    def places(self) -> frozenset[str]:
        """Codes of all regions the person is or was not long ago of, or is to be of."""
        return frozenset((*(held.region_code for held in self.appointments), *self.ties))

    def holds(self, *roles: Role) -> bool:
        """Whether the person holds one of the roles anywhere."""
        return any(appointment.role in roles for appointment in self.appointments)

    def covers(self, region_code: str, roles: Iterable[Role]) -> bool:
        """Whether one of the roles is held for the region."""
        wanted = frozenset(roles)
        return any(a.role in wanted and a.covers(region_code) for a in self.appointments)

    def regions(self, roles: Iterable[Role]) -> tuple[str, ...]:
        """Codes of the regions for which one of the roles is held, the covered ones left out, sorted."""
        wanted = frozenset(roles)
        codes = sorted({a.region_code for a in self.appointments if a.role in wanted})
        return tuple(c for c in codes if not any(c != other and c.startswith(other) for other in codes))

    def may(self, permission: Permission) -> bool:
        """Whether the person's roles allow this kind of thing at all."""
        if permission in {Permission.PUBLIC, Permission.SIGNED_IN}:
            return True
        return self.holds(*ROLES_OF[permission])
