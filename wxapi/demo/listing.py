"""The demo county's list of people in office, as an administrator would have imported it; some have not come yet."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.demo import people
from wxapi.identity.models import RosterEntry
from wxapi.identity.queries import user_by_digest
from wxapi.identity.services import roster
from wxapi.identity.services.roster_files import RosterRow
from wxapi.kernel.permissions import Role
from wxapi.platform.db import transaction
from wxapi.platform.runtime import runtime

_POSTS = {
    Role.TOWNSHIP_OFFICER: "综合办主任",
    Role.STREET_CHIEF: "街道办主任",
    Role.COMMUNITY_WORKER: "党支部书记",
    Role.SUPERVISOR: "督查室主任",
    Role.TRAINING_ORGANISER: "组织部干事",
    Role.TRAINING_STEWARD: "党校教务员",
}
# A list names more than who has logged in: of every so many one more, their deputy.
_DEPUTY_EVERY = 12


def list_people(region_codes: list[str], *, now: datetime) -> int:
    """Write the list for those who hold office in these regions, and who they are; returns how many entries.

    The phones are made up (of the form 1380000xxxx) and are nobody's of the demo.
    """
    rows, holders = [], {}
    for number, (openid, role, code) in enumerate(people.appointments(region_codes)):
        row = RosterRow(people.name_of(openid), _POSTS.get(role, ""), f"1380000{number:04d}", role, code)
        rows.append(row)
        holders[role.value, code, row.name] = openid
        if number % _DEPUTY_EVERY == 0:
            deputy = people.name_of(f"deputy-{code}")
            rows.append(RosterRow(deputy, "副主任", f"1390000{number:04d}", role, code))
    roster.import_people(rows, now=now, dry_run=False)
    with transaction() as session:
        for entry in session.scalars(select(RosterEntry)):
            holder = holders.get((entry.role, entry.region_code, roster.names_in(entry)[0]))
            if holder is not None:
                _take(session, entry, holder, now)
    return len(rows)


def _take(session: Session, entry: RosterEntry, openid: str, now: datetime) -> None:
    user = user_by_digest(session, runtime().cipher.digests(openid, purpose="user.openid"))
    assert user is not None, f"{openid} is not there: the city's people come first."
    roster.take(session, entry, user.id, now=now)
