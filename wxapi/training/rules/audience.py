"""For whom a session is: by region, by role, by list, or for everybody."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from wxapi.kernel.actor import Appointment
from wxapi.kernel.errors import InvalidError
from wxapi.kernel.permissions import Role

# A list longer than this is a region or a role written out; it also keeps a request under 256 KiB.
MAX_LISTED = 5_000
MAX_REGIONS = 200


@dataclass(frozen=True, slots=True)
class Audience:
    """Appointed people in the regions and roles, and the people on the list; all empty: everybody."""

    region_codes: tuple[str, ...] = ()
    roles: frozenset[Role] = frozenset()
    user_ids: frozenset[uuid.UUID] = field(default_factory=frozenset)

    @property
    def is_everybody(self) -> bool:
        """Whether nobody is left out."""
        return not (self.region_codes or self.roles or self.user_ids)

    def admits(self, user_id: uuid.UUID, appointments: Iterable[Appointment]) -> bool:
        """Whether the person is meant: on the list, or by one appointment that meets both region and role."""
        if self.is_everybody or user_id in self.user_ids:
            return True
        if not (self.region_codes or self.roles):
            return False
        return any(self._meets(appointment) for appointment in appointments)

    def _meets(self, appointment: Appointment) -> bool:
        if self.roles and appointment.role not in self.roles:
            return False
        return not self.region_codes or appointment.region_code.startswith(self.region_codes)


def check_size(user_ids: Collection[uuid.UUID], region_codes: Collection[str]) -> None:
    """Refuse lists that should be a region or a role.

    Raises:
        InvalidError: `audience_too_large`.
    """
    if len(user_ids) > MAX_LISTED or len(region_codes) > MAX_REGIONS:
        raise InvalidError(
            "audience_too_large",
            f"名单最多 {MAX_LISTED} 人、区域最多 {MAX_REGIONS} 个；人数更多时请按区域或职务设定参加范围。",
            fields={"audience": ["名单过长。"]},
        )
