"""The demo's people, by openid. Log in as any of them: `POST /_fake/login {"openid"}` of the fake WeChat.

Reporters hold no office; everybody else is appointed for the region whose code ends the openid.
"""

from collections.abc import Iterator

from wxapi.kernel.permissions import Role

ADMIN = "admin-4210"
REPORTERS = [f"reporter-{number}" for number in range(1, 51)]
# Length of a region's code → what its people are called, and their role.
_OFFICES = {
    4: (("supervisor", Role.SUPERVISOR), ("admin", Role.ADMIN)),
    6: (
        ("supervisor", Role.SUPERVISOR),
        ("organiser", Role.TRAINING_ORGANISER),
        ("steward", Role.TRAINING_STEWARD),
    ),
    9: (("officer", Role.TOWNSHIP_OFFICER), ("chief", Role.STREET_CHIEF)),
    12: (("worker", Role.COMMUNITY_WORKER),),
}


def appointments(region_codes: list[str]) -> Iterator[tuple[str, Role, str]]:
    """(openid, role, region code) of everybody who holds an office in these regions."""
    for code in region_codes:
        for name, role in _OFFICES.get(len(code), ()):
            yield f"{name}-{code}", role, code
