"""Keys that rotate: everything sealed again, people found under either look-up key, and no start without what data need."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from config import Config, ConfigError, NamedKey, Secret
from tests import reporting, schooling
from tests.conftest import NOW, random_key
from tests.factories import People
from tests.processes import environment, fork
from wxapi.app import create_app
from wxapi.identity.models import RosterEntry, User
from wxapi.identity.services import login, profile, roster, roster_imports
from wxapi.identity.services.roster_files import RosterRow
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.notifications.models import PushEvent
from wxapi.platform import audit_chain, keys, rewrap
from wxapi.platform.cipher import Cipher
from wxapi.platform.db import Base, db
from wxapi.platform.runtime import runtime
from wxapi.platform.sealed import digest_columns, sealed_columns

ROOT = Path(__file__).resolve().parents[2]
K2 = NamedKey("k2", Secret(b"2" * 32))
NEW_LOOKUP = Secret(b"m" * 32)
PHONE = "13800000001"


@contextmanager
def settings(**changes: Any) -> Iterator[Config]:
    """The app of the tests with other keys, for a while."""
    parts = runtime()
    config, cipher = parts.config, parts.cipher
    parts.config = replace(config, **changes)
    parts.cipher = Cipher(parts.config.encryption_keys, parts.config.lookup_keys, audit=parts.config.audit_keys)
    try:
        yield parts.config
    finally:
        parts.config, parts.cipher = config, cipher


def run(app: Flask, *words: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["keys", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def fill(people: People, session: Session) -> None:
    """Something in every sealed column."""
    town = reporting.settle(people)
    reporting.file(town.reporter, description=f"垃圾箱满溢，电话{PHONE}")
    schooling.open_school(people).make()
    assert town.reporter.post("/auth/logout", key=random_key()).status_code == 204
    roster.import_people(
        [RosterRow("张三", "书记", PHONE, Role.COMMUNITY_WORKER, reporting.VILLAGE)], now=NOW, dry_run=False
    )
    roster_imports.ask(people.make((Role.ADMIN, reporting.COUNTY)).actor, b"list", dry_run=True, now=NOW)
    user = session.get_one(User, town.worker.actor.user_id)
    cipher = runtime().cipher
    user.phone_sealed = cipher.seal(PHONE, purpose="user.phone")
    user.phone_digest = cipher.digest(PHONE, purpose="user.phone")
    body = cipher.seal("{}", purpose="push.event")
    session.add(PushEvent(repeat_digest=b"r", event="e", body_sealed=body, received_at=NOW))
    session.commit()


def test_every_column_of_sealed_values_is_named_as_one() -> None:
    """A new column whose name says so, or that a digest is made of, may not stay behind when keys rotate."""
    named = {f"{column.table.name}.{column.name}" for column, _ in sealed_columns()}
    every = [column for table in Base.metadata.sorted_tables for column in table.columns]
    assert {f"{c.table.name}.{c.name}" for c in every if c.name == "sealed" or c.name.endswith("_sealed")} <= named
    assert "idempotency_keys.body" in named
    assert {f"{each.column.table.name}.{each.column.name}" for each in digest_columns()} == {
        "users.openid_digest",
        "users.phone_digest",
        "people_roster.phone_digest",
    }


def test_everything_is_sealed_again_and_the_old_key_can_go(app: Flask, people: People, session: Session) -> None:
    fill(people, session)
    first = runtime().config.encryption_keys[0]
    assert all(rewrap.names_in(session, column) == {"k1"} for column, _ in sealed_columns())
    with settings(encryption_keys=(K2, first)):
        code, said = run(app, "rewrap")
        assert (code, "Nothing needs encryption k1 any more" in said) == (0, True), said
        assert "users.openid_sealed: " in said
        assert run(app, "rewrap") == (0, "Everything is sealed with k2.\n")
    with settings(encryption_keys=(K2,)):
        for column, kind in sealed_columns():
            values = session.scalars(select(column).where(column.is_not(None))).all()
            assert values
            assert all(runtime().cipher.open(value, purpose=kind.purpose) for value in values)


def test_a_value_that_does_not_open_is_named_and_stops_nothing(app: Flask, people: People, session: Session) -> None:
    broken, whole = people.make().actor.user_id, people.make().actor.user_id
    session.execute(update(User).where(User.id == broken).values(openid_sealed=b"k1\x00" + bytes(40)))
    session.commit()
    with settings(encryption_keys=(K2, runtime().config.encryption_keys[0])):
        code, said = run(app, "rewrap")
    assert code == 1
    assert f"users.openid_sealed ({broken}): SealError" in said
    sealed = session.scalar(select(User.openid_sealed).where(User.id == whole))
    assert sealed is not None
    assert sealed.startswith(b"k2\x00")


def test_what_the_api_writes_meanwhile_is_kept(open_app: Flask) -> None:
    """Opened, then changed by a request, then written back: the request's value must stand."""
    user = People(open_app).make().actor.user_id
    config = runtime().config
    fresh = Cipher((K2,), config.lookup_keys).seal("new", purpose="user.openid")

    class Slow(Cipher):
        def open(self, sealed: bytes, *, purpose: str) -> str:
            with psycopg.connect(config.database_url.replace("+psycopg", ""), autocommit=True) as other:
                other.execute("UPDATE users SET openid_sealed = %s WHERE id = %s", (fresh, user))
            return super().open(sealed, purpose=purpose)

    with settings(encryption_keys=(K2, config.encryption_keys[0])):
        runtime().cipher = Slow(runtime().config.encryption_keys, config.lookup_keys)
        (step,) = [step for step in rewrap.steps() if step.name == "users.openid_sealed"]
        assert [(batch.seen, batch.changed) for batch in step.run()] == [(1, 0)]
    assert db.session.scalar(select(User.openid_sealed)) == fresh


def test_people_are_found_under_either_look_up_key(app: Flask, people: People, session: Session) -> None:
    known = people.make(openid="known").actor.user_id
    old = runtime().config.lookup_keys[0]
    with settings(lookup_keys=(old, NEW_LOOKUP)):
        assert people.make(openid="known").actor.user_id == known
        between = people.make(openid="between").actor.user_id
    with settings(lookup_keys=(NEW_LOOKUP, old)):
        assert people.make(openid="known").actor.user_id == known
        late = people.make(openid="late").actor.user_id
        assert run(app, "rewrap")[0] == 0
        assert people.make(openid="late").actor.user_id == late
    with settings(lookup_keys=(NEW_LOOKUP,)):
        assert people.make(openid="known").actor.user_id == known
        assert people.make(openid="between").actor.user_id == between
        assert people.make(openid="late").actor.user_id == late
    assert len(session.scalars(select(User)).all()) == 3


@pytest.mark.usefixtures("city")
def test_a_list_and_a_phone_meet_across_a_rotation(people: People, session: Session) -> None:
    """The entry was written under the old key, the phone is bound under the new one; importing again doubles nothing."""
    rows = [RosterRow("张三", "书记", PHONE, Role.COMMUNITY_WORKER, reporting.VILLAGE)]
    roster.import_people(rows, now=NOW, dry_run=False)
    old = runtime().config.lookup_keys[0]
    with settings(lookup_keys=(NEW_LOOKUP, old)):
        assert roster.import_people(rows, now=NOW, dry_run=False).unchanged == 1
        user = session.get_one(User, people.make().actor.user_id)
        user.phone_sealed = runtime().cipher.seal(PHONE, purpose="user.phone")
        user.phone_digest = runtime().cipher.digest(PHONE, purpose="user.phone")
        session.commit()
        roster.match([user.id], now=NOW)
        entry = session.scalars(select(RosterEntry)).one()
        assert entry.user_id == user.id
        offices = profile.profile_of(session, user, now=NOW).offices
    assert [office.role for office in offices] == ["community_worker"]


@pytest.mark.usefixtures("city")
def test_whose_number_two_have_bound_hides_nobody_behind_them(
    people: People, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each under another key, with an entry under each: the sweep leaves both alone, and goes on behind them."""
    monkeypatch.setattr(roster, "SWEEP_BATCH", 2)
    phones = (PHONE, PHONE, "13800000009")
    users = sorted((session.get_one(User, people.make().actor.user_id) for _ in phones), key=lambda user: user.id)
    old = runtime().config.lookup_keys[0]
    rings = ((old,), (NEW_LOOKUP, old), (old,))
    for phone, village, ring in zip(phones, ("001", "002", "003"), rings, strict=True):
        with settings(lookup_keys=ring):
            rows = [RosterRow("张三", "书记", phone, Role.COMMUNITY_WORKER, f"421002001{village}")]
            roster.import_people(rows, now=NOW, dry_run=False)
    for user, phone, ring in zip(users, phones, rings, strict=True):
        with settings(lookup_keys=ring):
            user.phone_sealed = runtime().cipher.seal(phone, purpose="user.phone")
            user.phone_digest = runtime().cipher.digest(phone, purpose="user.phone")
    session.commit()
    with settings(lookup_keys=(NEW_LOOKUP, old)):
        assert roster.match_waiting(now=NOW) == 1
    matched = session.scalars(select(RosterEntry.user_id).where(RosterEntry.user_id.is_not(None))).all()
    assert matched == [users[2].id]


def test_the_audit_stays_whole_when_its_key_changes(people: People, session: Session) -> None:
    people.make()
    old = runtime().config.lookup_keys[0]
    login._open_session("somebody", now=NOW)
    audit_chain.seal(session, runtime().cipher, now=NOW)
    with settings(lookup_keys=(NEW_LOOKUP,), audit_keys=(NEW_LOOKUP, old)):
        login._open_session("somebody", now=NOW)
        audit_chain.seal(session, runtime().cipher, now=NOW)
        assert list(audit_chain.verify(session, runtime().cipher, now=NOW)) == []
    with settings(lookup_keys=(NEW_LOOKUP,)):
        assert {fault.kind for fault in audit_chain.verify(session, runtime().cipher, now=NOW)} == {"altered"}


@pytest.fixture
def config_there(open_app: Flask) -> Config:
    """Settings of an installation that has written."""
    People(open_app).make()
    return runtime().config


def test_no_start_without_the_keys_that_data_need(config_there: Config) -> None:
    keys.refuse_missing(config_there)
    first, lookup = config_there.encryption_keys[0], config_there.lookup_keys[0]
    asked: dict[str, dict[str, Any]] = {
        "Data are sealed with the key k1: put it back": {"encryption_keys": (K2,)},
        "is not the one of this name": {"encryption_keys": (NamedKey("k1", K2.key),)},
        "WXAPI_LOOKUP_KEY is not the key by which people are found": {
            "lookup_keys": (NEW_LOOKUP,),
            "audit_keys": (lookup,),
        },
        "is new: name it second": {"lookup_keys": (NEW_LOOKUP, lookup)},
        "Rows of the audit are proven by a key that is gone": {"audit_keys": (NEW_LOOKUP,)},
    }
    for sentence, changes in asked.items():
        with pytest.raises(ConfigError, match=sentence):
            keys.refuse_missing(replace(config_there, **changes))
    keys.refuse_missing(replace(config_there, encryption_keys=(K2, first)))
    with pytest.raises(ConfigError, match="sealed with the key k2"):
        keys.refuse_missing(config_there)


def test_each_process_refuses_to_start_in_a_sentence(config_there: Config, tmp_path: Path) -> None:
    """API, workers; and without a folder for files. A name that nobody reads is said."""
    wrong = environment(replace(config_there, encryption_keys=(K2,)))
    no_folder = environment(config_there) | {"STORAGE_URL": "file:///proc/none", "WXAPI_TRUSTED_PROXY": "1"}
    asked: list[tuple[str, list[str], dict[str, str], str]] = [
        ("wsgi", [], wrong, "Cannot start: Data are sealed with the key k1"),
        ("workers", ["relay"], wrong, "Cannot start: Data are sealed with the key k1"),
        ("wsgi", [], no_folder, "Cannot start: The folder of STORAGE_URL cannot be made"),
        ("wsgi", [], environment(config_there) | {"WXAPI_TRUSTED_PROXY": "1"}, "WXAPI_TRUSTED_PROXY"),
    ]
    started = [
        fork(module, words, environ, tmp_path / str(number)) for number, (module, words, environ, _) in enumerate(asked)
    ]
    for number, (process, (module, _, _, sentence)) in enumerate(zip(started, asked, strict=True)):
        process.join(120)
        said = (tmp_path / str(number)).read_text()
        assert sentence in said, (module, said)
        assert "Traceback" not in said
        assert process.exitcode == int("Cannot start" in sentence)


def test_a_look_up_key_rotates_in_steps(open_app: Flask, config_there: Config) -> None:
    old = config_there.lookup_keys[0]
    keys.refuse_missing(replace(config_there, lookup_keys=(old, NEW_LOOKUP)))
    keys.refuse_missing(config_there)  # thought better of it
    keys.refuse_missing(replace(config_there, lookup_keys=(old, NEW_LOOKUP)))
    with settings(lookup_keys=(old, NEW_LOOKUP)):  # because another kind of key is changed at the same time
        assert "Nothing needs" not in run(open_app, "rewrap")[1]
    keys.refuse_missing(replace(config_there, lookup_keys=(NEW_LOOKUP, old)))
    newest = {"lookup_keys": (NEW_LOOKUP,), "audit_keys": (NEW_LOOKUP, old)}
    with pytest.raises(ConfigError, match="WXAPI_LOOKUP_KEY is not"):
        keys.refuse_missing(replace(config_there, **newest))
    with settings(lookup_keys=(NEW_LOOKUP, old)):
        assert "Nothing needs look-up" in run(open_app, "rewrap")[1]
    keys.refuse_missing(replace(config_there, **newest))


def test_a_start_waits_for_no_database(make_config: Callable[..., Config]) -> None:
    keys.refuse_missing(make_config(database_url="postgresql+psycopg://nobody@127.0.0.1:9/none"))


def test_a_process_that_lacks_a_key_says_so_and_writes_nothing(open_app: Flask, config_there: Config) -> None:
    """It started while the database was away."""
    token = People(open_app).make().token
    other = create_app(replace(config_there, encryption_keys=(K2,)), clock=FixedClock(NOW))
    client = other.test_client()
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["keys"], ready.json["status"]) == (503, "missing", "unavailable")
    changed = client.put(
        "/api/v1/me", json={"nickname": "小李", "kind": "courier"}, headers={"Authorization": f"Bearer {token}"}
    )
    assert (changed.status_code, changed.json["code"]) == (503, "keys_missing")
    with other.app_context():
        said = other.test_cli_runner().invoke(args=["outbox", "retry"])
        assert (said.exit_code, said.output) == (
            1,
            "Error: Data are sealed with the key k1: put it back into WXAPI_ENCRYPTION_KEYS.\n",
        )
        assert run(other, "status")[0] == 1
        db.session.remove()
        db.engine.dispose()


def test_readyz_tells_an_empty_database_from_one_that_is_away(open_app: Flask) -> None:
    client = open_app.test_client()
    assert client.get("/readyz").json["keys"] == "ok"
    db.session.rollback()
    with db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE outbox RENAME TO outbox_gone"))
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["database"]) == (503, "no_schema")


def test_readyz_tells_a_database_that_takes_no_writes(open_app: Flask) -> None:
    """As a standby does, where the database was failed over."""
    client = open_app.test_client()
    name = db.engine.url.database
    with db.engine.begin() as connection:
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    db.session.remove()
    db.engine.dispose()
    ready = client.get("/readyz")
    told = {name: ready.json[name] for name in ("status", "database", "rights", "keys")}
    assert (ready.status_code, told) == (
        200,
        {"status": "degraded", "database": "read_only", "rights": "ok", "keys": "ok"},
    )
