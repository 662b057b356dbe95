"""The demo's people, by openid. Log in as any of them: `POST /_fake/login {"openid"}` of the fake WeChat.

Reporters hold no office; everybody else is appointed for the region whose code ends the openid.
"""

from collections.abc import Iterator
from hashlib import sha256

from wxapi.identity.rules import PersonKind
from wxapi.kernel.permissions import Role
from wxapi.regions.rules.levels import CODE_LENGTH, Level

ADMIN = "admin-4210"
CITY = (ADMIN, "supervisor-4210", "auditor-4210")
# A department of the county that the demo is about, and who acts for it.
DEPARTMENT, CLERK = "421002-cg", "clerk-421002-cg"
REPORTERS = [f"reporter-{number}" for number in range(1, 51)]
# What reporters say they are, one after the other.
_KINDS = (PersonKind.COURIER, PersonKind.RIDER, PersonKind.RIDER, PersonKind.PARTY_MEMBER, PersonKind.RESIDENT)
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN_NAMES = (
    "建国", "秀英", "伟", "芳", "志强", "敏", "静", "磊", "军", "海燕", "勇", "艳", "杰", "春梅", "涛",
    "明", "超", "红梅", "霞", "平", "刚", "桂英", "国庆", "文斌", "丽华", "小龙", "玉兰", "永胜", "晓云",
)  # fmt: skip
# Length of a region's code → what its people are called, and their role.
_OFFICES = {
    CODE_LENGTH[Level.CITY]: (("supervisor", Role.SUPERVISOR), ("admin", Role.ADMIN), ("auditor", Role.AUDITOR)),
    CODE_LENGTH[Level.COUNTY]: (
        ("supervisor", Role.SUPERVISOR),
        ("organiser", Role.TRAINING_ORGANISER),
        ("steward", Role.TRAINING_STEWARD),
    ),
    CODE_LENGTH[Level.TOWNSHIP]: (("officer", Role.TOWNSHIP_OFFICER), ("chief", Role.STREET_CHIEF)),
    CODE_LENGTH[Level.VILLAGE]: (("worker", Role.COMMUNITY_WORKER),),
}


def appointments(region_codes: list[str]) -> Iterator[tuple[str, Role, str]]:
    """(openid, role, region code) of everybody who holds an office in these regions."""
    for code in region_codes:
        for name, role in _OFFICES.get(len(code), ()):
            yield f"{name}-{code}", role, code


def name_of(openid: str) -> str:
    """What somebody of the demo is called: made up, and the same every time."""
    number = int.from_bytes(sha256(openid.encode()).digest()[:4], "big")
    if openid in REPORTERS:  # 20 and 29 have no divisor in common: no two of them are called the same
        number = REPORTERS.index(openid)
    return _SURNAMES[number % len(_SURNAMES)] + _GIVEN_NAMES[number % len(_GIVEN_NAMES)]


def kind_of(openid: str) -> PersonKind | None:
    """What a reporter says of themselves; of others their office tells."""
    return _KINDS[REPORTERS.index(openid) % len(_KINDS)] if openid in REPORTERS else None
