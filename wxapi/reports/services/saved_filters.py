"""A person's own filters of the desk: what stands in its address, kept under a name."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ConflictError
from wxapi.platform.db import fetch_alone, transaction
from wxapi.reports.models import SavedFilter

# As many as one finds again at a glance.
MOST = 20
_OWN = f"SELECT name, query FROM report_filters WHERE user_id = %(user_id)s ORDER BY name LIMIT {MOST}"  # noqa: S608


class NamedFilter(NamedTuple):
    """A filter by the name its person gave it; `query` is that of the desk's address."""

    name: str
    query: str


def saved_filters(actor: Actor) -> Sequence[NamedFilter]:
    """The person's filters, by name."""
    return [NamedFilter(*row) for row in fetch_alone(_OWN, {"user_id": actor.user_id})]


def save_filter(actor: Actor, name: str, query: str) -> None:
    """Keep a filter; one of the same name is replaced.

    Raises:
        ConflictError: `too_many_filters`.
    """
    with transaction(locking=(actor.user_id,)) as session:
        others = select(func.count()).where(SavedFilter.user_id == actor.user_id, SavedFilter.name != name)
        if (session.scalar(others) or 0) >= MOST:
            raise ConflictError("too_many_filters", f"最多保存 {MOST} 个筛选条件，请先删除不用的。")
        session.execute(
            insert(SavedFilter)
            .values(user_id=actor.user_id, name=name, query=query)
            .on_conflict_do_update(index_elements=["user_id", "name"], set_={"query": query})
        )


def drop_filter(actor: Actor, name: str) -> None:
    """Forget a filter; one that is not there is none."""
    with transaction() as session:
        session.execute(
            delete(SavedFilter)
            .where(SavedFilter.user_id == actor.user_id, SavedFilter.name == name)
            .execution_options(synchronize_session=False)
        )
