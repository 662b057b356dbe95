"""The room of offices: the queue, cases, and what one does with them."""

from wxapi.web.desk.blueprint import room
from wxapi.web.desk.views import (
    bulk,
    cases,
    maps,
    merging,
    moderation,
    offices,
    people,
    people_imports,
    queue,
    saving,
)

__all__ = [
    "bulk",
    "cases",
    "maps",
    "merging",
    "moderation",
    "offices",
    "people",
    "people_imports",
    "queue",
    "room",
    "saving",
]
