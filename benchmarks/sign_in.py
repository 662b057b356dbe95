"""`POST …/sign-ins` by 1, 8 and 32 clients, beside the smallest honest view on the same server and database.

Halls of people sign in, each once, with position and device. Ours does what the contract asks: bearer token with
appointments, how often, the code's seal, the window, the geofence, the look for shared devices and second halls, one
row a person. The limit looks the token up and inserts one row.
"""

from benchmarks._hall import PLAIN_TABLE, hall
from benchmarks._http_load import granian
from benchmarks._scratch import scratch
from benchmarks._turns import LIMIT, Measured, Way, in_turns, limits
from benchmarks.report import Result

_PROCESSES = 2
_PEOPLE = 12_000
# clients → rounds, requests a round; a code is good for 15 s at least, a round takes a few.
_LOADS = {1: (3, 300), 8: (7, 800), 32: (3, 1200)}
_WARM_UP = 200
_OURS, _LIMIT = "/api/v1/training/sessions/{}/sign-ins", "/sessions/{}/sign-ins"
# Least share of the limit's rate at 8 clients.
_GOALS = {"plain": 0.75, "with a key": 0.6, "with three offices": 0.7}
_P99_GOAL = 1 / 3


def run() -> list[Result]:
    with scratch(city=True) as made:
        made.connection.execute(PLAIN_TABLE)
        halls = {
            "plain": hall(made, _PEOPLE, path=_OURS),
            "with a key": hall(made, _PEOPLE, path=_OURS, with_key=True),
            "with three offices": hall(made, _PEOPLE, path=_OURS, office=True),
        }
        signing = hall(made, 2 * _PEOPLE, path=_LIMIT)
        made.connection.execute("VACUUM ANALYZE")
        with (
            granian("wsgi:front", made.environ, processes=_PROCESSES) as ours,
            limits("benchmarks._sign_in_limit", made.environ, signing.requests, processes=_PROCESSES) as smallest,
        ):
            ways = [Way(name, ours, each.requests) for name, each in halls.items()] + smallest
            in_turns(ways, made.database, clients=8, rounds=1, count=_WARM_UP)
            found = {
                clients: in_turns(ways, made.database, clients=clients, rounds=rounds, count=count)
                for clients, (rounds, count) in _LOADS.items()
            }
    results = [_rate(name, goal, found[8]) for name, goal in _GOALS.items()]
    own, other = (found[32][name].percentile(99) for name in ("plain", LIMIT))
    return [*results, Result("sign in, p99 at 32 clients", own, other, "ms", _P99_GOAL)]


def _rate(name: str, goal: float, found: dict[str, Measured]) -> Result:
    return found[name].result(f"sign in, 8 clients, {name}", found, goal)
