"""How many credit hours a year a person should reach: a setting by role, the highest counts."""

from collections.abc import Iterable, Mapping

from wxapi.kernel.permissions import Role

_DEFAULT = "default"


def goal_of(roles: Iterable[Role], goals: Mapping[str, int]) -> int:
    """The yearly goal in hours: that of the most demanding role held, else the default."""
    return max((goals.get(role.value, goals[_DEFAULT]) for role in roles), default=goals[_DEFAULT])
