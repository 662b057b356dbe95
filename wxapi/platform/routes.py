"""Finding the route of a request, as werkzeug does, which asks part by part of a path: but once of each shape."""

import re
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, RoutingException, Rule

from wxapi.kernel.ids import id_of

# A part of a path that is a UUID: what a rule names by `uuid`.
_ID = re.compile(r"(?<=/)([0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12})(?=/|\Z)")
Routed = tuple[Rule, dict[str, Any]]


class Routes:
    """What leads where, of an app whose routes are all there.

    Paths that differ in their ids only lead to one rule: no rule has an id of its own. Which one is asked of werkzeug
    at the first of them. Kept are as many as there are rules and methods.
    """

    def __init__(self, routes: Map) -> None:
        self._router = routes.bind("")
        # Method and what stands around the ids → rule, names of the ids.
        self._known: dict[tuple[str, ...], tuple[Rule, tuple[str, ...]]] = {}

    def find(self, method: str, path: str) -> Routed | None:
        """The rule and what the path names; None where there is none, or another path or method to be told of."""
        parts = _ID.split("/" + path.lstrip("/"))  # more slashes than one are as one, to werkzeug, too
        key = (method, *parts[::2])
        known = self._known.get(key)
        if known is not None:
            rule, names = known
            return rule, dict(zip(names, map(id_of, parts[1::2]), strict=True))
        try:
            rule, named = self._router.match(path, method, return_rule=True)
        except (HTTPException, RoutingException):
            return None
        is_named_by_ids = [*named.values()] == [*map(id_of, parts[1::2])]
        if is_named_by_ids and method in (rule.methods or ()):
            self._known[key] = rule, tuple(named)
        return rule, dict(named)
