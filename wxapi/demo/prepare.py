"""`python -m wxapi.demo.prepare`: migrations, Jingzhou and the demo's people; what is there already is left alone.

A process of its own, so that the runner stays small and a warm start need not load the whole product twice.
"""

import gc
import os
import sys
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from importlib import resources
from multiprocessing import get_context
from time import monotonic
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from config import Config, ConfigError
from workers.lifetime import end_with
from wxapi.app import create_app
from wxapi.demo import life, people
from wxapi.demo.errors import DemoError
from wxapi.demo.templates import templates
from wxapi.identity.models import User
from wxapi.identity.queries import actor_of, user_by_digest
from wxapi.identity.services.appoint_many import appoint_openids, register_openids
from wxapi.identity.services.appointments import NewAppointment, appoint_by_operator
from wxapi.kernel.clock import local_day
from wxapi.kernel.coordinates import Datum
from wxapi.kernel.errors import InvalidError
from wxapi.kernel.permissions import Role
from wxapi.notifications.queries import messages as notifications
from wxapi.notifications.services.templates import set_template
from wxapi.photos.services.sandbox.client import shared
from wxapi.platform import audit_grants, migrate
from wxapi.platform.commands import tracked
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.regions.models import Region
from wxapi.regions.services.importing import import_regions
from wxapi.regions.services.sources import read_file
from wxapi.units.queries import find as find_unit
from wxapi.units.rules import UnitField, UnitKind
from wxapi.units.services.manage import NewUnit, make_unit

# What operators see at an import of their own, as all is said here: in English.
_STEPS = {"检查边界": "Checking outlines", "检查重叠": "Checking overlaps", "写入数据库": "Writing to the database"}
ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

# Longer than the past that the city lived: somebody was there to take its reports.
_IN_OFFICE_FOR = timedelta(days=2 * life.DAYS)


def main() -> None:
    """Prepare the database that the environment names; ends with a sentence when that fails."""
    try:
        prepare(Config.from_env(os.environ), role=sys.argv[2] if sys.argv[1:2] == ["--grant"] else None)
    except (ConfigError, DemoError) as error:
        sys.exit(str(error))
    except SQLAlchemyError as error:
        # The first line is the server's; what follows are statements and values.
        sys.exit(f"The database refused: {str(error).splitlines()[0]}")
    except InvalidError as error:
        sys.exit(f"The demo city cannot be imported: {error.detail}")


def prepare(config: Config, *, role: str | None = None) -> None:
    """Migrate, import the city and appoint its people, each only when it is not done yet, each whole or not at all.

    Args:
        config: names the database by the role that owns it.
        role: of the API and the workers, which may use the tables and only add to the audit; None: the owner itself.
    """
    print("Migrating the database ...", flush=True)
    migrate.upgrade(config.database_url)
    app = create_app(config)
    with app.app_context():
        if role is not None:
            with transaction() as session:
                audit_grants.grant(session, role)
        now = runtime().clock.now()
        _import_city(now)
        _appoint_people(now)
        _make_department(now)
        _choose_templates(now)
        _live(now)


def _live(now: datetime) -> None:
    """Sixty days of life; `WXAPI_DEMO_LIFE=off` leaves the city empty, as tests want it."""
    if os.environ.get("WXAPI_DEMO_LIFE", "on") == "off":
        return
    began = monotonic()
    reports = life.live(now, tracked, _side_by_side)
    if reports:
        made = f"{reports} reports of the last {life.DAYS} days, a class that is running now"
        print(f"{made}: made in {monotonic() - began:.1f} s.", flush=True)


def _side_by_side(function: Callable[[ItemT], ResultT], items: Collection[ItemT]) -> Iterator[ResultT]:
    """`map` by as many processes as there are cores, four at most."""
    shared().start()  # before anything is forked, so that all of them have one decoder
    gc.freeze()  # they share these pages instead of copying them at their first collection
    processes = min(4, os.cpu_count() or 1)
    forked = get_context("fork")
    with ProcessPoolExecutor(processes, forked, initializer=_begin_apart, initargs=(os.getpid(),)) as pool:
        yield from pool.map(function, items, chunksize=5)


def _begin_apart(parent: int) -> None:
    """Of a forked process: it ends with the one that forked it, and has connections of its own."""
    end_with(parent)
    db.engine.dispose(close=False)


def _import_city(now: datetime) -> None:
    with resources.as_file(resources.files("wxapi.demo") / "data" / "jingzhou") as folder:
        tree = {entry.code for entry in read_file(folder / "tree.csv")}
        if tree <= set(db.session.scalars(select(Region.code))):
            return
        print("Importing Jingzhou: names and county outlines are real, the lines below them are made up.", flush=True)
        files = [folder / "tree.csv", *sorted(folder.glob("*.geojson.gz"))]
        entries = [entry for file in tracked("Reading files", files) for entry in read_file(file)]
    summary = import_regions(entries, Datum.CGCS2000, now=now, track=_tracked)
    print(f"{summary.regions} regions, {summary.boundaries} boundaries.", flush=True)


def _tracked(label: str, items: Collection[ItemT]) -> Iterator[ItemT]:
    return tracked(_STEPS[label], items)


def _appoint_people(now: datetime) -> None:
    admin = runtime().cipher.digests(people.ADMIN, purpose="user.openid")
    if user_by_digest(db.session(), admin) is not None:
        return
    if db.session.scalar(select(User.id).limit(1)) is not None:
        raise DemoError(
            "The database has people whom the keys of this data folder do not know. Use the folder it was made with or "
            "an empty database."
        )
    with transaction() as session:
        codes = list(session.scalars(select(Region.code).order_by(Region.code)))
        register_openids(session, people.REPORTERS, now=now)
        appointed = appoint_openids(session, people.appointments(codes), now=now - _IN_OFFICE_FOR)
    print(f"{len(people.REPORTERS)} reporters, {appointed} people in office.", flush=True)


def _make_department(now: datetime) -> None:
    """One unit that is no region's office, with an officer: so that each role is there."""
    region, _, suffix = people.DEPARTMENT.partition("-")
    if find_unit(db.session(), people.DEPARTMENT) is not None:
        return
    admin = user_by_digest(db.session(), runtime().cipher.digests(people.ADMIN, purpose="user.openid"))
    assert admin is not None, "The city's people come first."
    actor = actor_of(db.session(), admin.id, today=local_day(now))
    wanted = NewUnit(region, suffix, "沙市区城市管理执法局", UnitKind.DEPARTMENT, UnitField.AGENCY)
    make_unit(actor, wanted, now=now)
    with transaction() as session:
        clerk = register_openids(session, [people.CLERK], now=now)[people.CLERK]
    since = local_day(now - _IN_OFFICE_FOR)
    office = NewAppointment(clerk, Role.UNIT_OFFICER, region, since, unit_code=people.DEPARTMENT)
    appoint_by_operator(office, now=now)


def _choose_templates(now: datetime) -> None:
    if not notifications.templates(db.session()):
        for template in templates():
            set_template(template, now=now)


if __name__ == "__main__":
    main()
