"""The audit tells when somebody tampered with it, and the database refuses to help."""

import uuid
from datetime import datetime, timedelta

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from tests.conftest import NOW
from wxapi.kernel.setting_texts import driver_url
from wxapi.platform import audit, audit_chain
from wxapi.platform.audit_chain import Fault
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime


def act(number: int) -> None:
    with transaction() as session:
        at = NOW + timedelta(seconds=number)
        audit.record(session, uuid.UUID(int=number), "user.consent", subject=f"test:{number}", at=at, number=number)


# All processes of the release before, which wrote no digests, have been replaced.
LATER = NOW + timedelta(hours=3)


def seal(now: datetime = LATER) -> audit_chain.Head:
    with transaction() as session:
        return audit_chain.seal(session, runtime().cipher, now=now)


def faults(known: tuple[int, bytes] | None = None, now: datetime = LATER) -> list[Fault]:
    db.session.expire_all()
    return list(audit_chain.verify(db.session(), runtime().cipher, now=now, known=known))


def tamper(statement: str) -> None:
    """What somebody with the owner's password could do: the triggers taken off first."""
    with transaction() as session:
        for table in ("audit", "audit_links"):
            session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        session.execute(text(statement))
        for table in ("audit", "audit_links"):
            session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))


@pytest.fixture
def chain(app: Flask) -> list[int]:
    """Five sealed rows; their ids."""
    for number in range(1, 6):
        act(number)
    assert seal().seq == 5
    return list(db.session.scalars(text("SELECT id FROM audit ORDER BY id")))


def test_a_whole_chain_has_no_faults(chain: list[int]) -> None:
    assert faults() == []
    assert seal().seq == 5
    act(6)
    assert faults() == []
    assert seal().seq == 6
    assert faults() == []


def test_rows_that_are_not_ours_hold_up_nobody(chain: list[int]) -> None:
    """Also when more of them stand before the new ones than one sealing takes."""
    forged = "SELECT 'user.consent', 'test:0', '{}', now(), sha256(n::text::bytea) FROM generate_series(1, 1100) n"
    tamper(f"INSERT INTO audit (action, subject, detail, at, digest) {forged}")
    act(6)
    assert seal().seq == 6
    assert {fault.kind for fault in faults()} == {"inserted"}


def test_an_altered_row_is_named(chain: list[int]) -> None:
    tamper(f"UPDATE audit SET detail = '{{\"number\": 99}}' WHERE id = {chain[2]}")
    assert faults() == [Fault("altered", chain[2], 3)]


@pytest.mark.parametrize("column", ["action = 'other'", "subject = 'x'", "actor_id = NULL", "at = at + interval '1 s'"])
def test_every_column_counts(chain: list[int], column: str) -> None:
    tamper(f"UPDATE audit SET {column} WHERE id = {chain[0]}")
    assert faults() == [Fault("altered", chain[0], 1)]


def test_a_removed_row_is_named(chain: list[int]) -> None:
    tamper(f"DELETE FROM audit WHERE id = {chain[3]}")
    assert faults() == [Fault("removed", chain[3], 4)]


def test_a_row_and_its_link_removed_leave_a_gap(chain: list[int]) -> None:
    tamper(f"DELETE FROM audit WHERE id = {chain[3]}")
    tamper("DELETE FROM audit_links WHERE seq = 4")
    assert Fault("relinked", chain[4], 5) in faults()


@pytest.mark.parametrize("at", ["min(at) - interval '1 day'", "max(at)", "max(at) + interval '9 minutes'"])
@pytest.mark.parametrize("digest", ["NULL", "sha256('guess')", "''::bytea"])
def test_an_inserted_row_is_named_and_never_sealed(chain: list[int], at: str, digest: str) -> None:
    """Whatever time it claims."""
    tamper(
        f"INSERT INTO audit (at, action, subject, detail, digest) SELECT {at}, 'made.up', 'x', '{{}}', {digest} FROM audit"
    )
    assert seal().seq == 5
    (fault,) = faults()
    assert (fault.kind, fault.seq) == ("inserted", None)


def test_a_copied_row_is_named(chain: list[int]) -> None:
    columns = "at, actor_id, action, subject, detail, request_id, digest"
    tamper(f"INSERT INTO audit ({columns}) SELECT {columns} FROM audit WHERE id = {chain[1]}")
    assert [fault.kind for fault in faults()] == ["copied"]
    seal()
    assert [fault.kind for fault in faults()] == ["copied"]


def test_a_row_altered_before_it_was_sealed_is_named(chain: list[int]) -> None:
    act(6)
    tamper("UPDATE audit SET action = 'other' WHERE subject = 'test:6'")
    assert seal().seq == 5
    assert [fault.kind for fault in faults()] == ["inserted"]


def test_a_clock_that_was_ahead_and_put_back_breaks_nothing(chain: list[int]) -> None:
    act(3600)
    assert seal().seq == 6
    for number in range(6, 12):
        act(number)
    assert faults() == []
    assert seal().seq == 12
    assert faults() == []


def test_rows_of_the_release_before_are_sealed_for_an_hour(chain: list[int]) -> None:
    """Its processes write on until they are replaced; after that a row without a digest is nobody's."""
    old = "INSERT INTO audit (at, action, subject, detail) SELECT max(at), 'old', 'x', '{}' FROM audit"
    tamper(old)
    assert faults(now=NOW) == []
    assert seal(now=NOW).seq == 6
    tamper(old)
    assert seal().seq == 6
    assert [fault.kind for fault in faults()] == ["inserted"]


def test_a_forged_link_does_not_fit(chain: list[int]) -> None:
    tamper(f"UPDATE audit SET subject = 'x' WHERE id = {chain[1]}")
    tamper("UPDATE audit_links SET digest = sha256('guess') WHERE seq = 2")
    assert {fault.kind for fault in faults()} == {"altered"}


def test_a_chain_cut_short_does_not_reach_the_noted_head(chain: list[int]) -> None:
    head = seal()
    tamper(f"DELETE FROM audit WHERE id = {chain[4]}")
    tamper("DELETE FROM audit_links WHERE seq = 5")
    assert faults() == []
    assert faults((head.seq, head.digest)) == [Fault("cut_off", None, 5)]


def test_late_commits_are_still_sealed(chain: list[int]) -> None:
    """A row with a lower id may commit after a higher one was sealed."""
    with transaction() as session:
        session.execute(text(f"SELECT setval(pg_get_serial_sequence('audit', 'id'), {chain[-1] + 5})"))
    act(7)
    seal()
    tamper(f"ALTER TABLE audit ALTER COLUMN id RESTART WITH {chain[-1] + 2}")
    act(8)
    assert seal().seq == 7
    assert faults() == []


@pytest.mark.parametrize("statement", ["UPDATE audit SET action = 'x'", "DELETE FROM audit", "TRUNCATE audit_links"])
def test_the_database_refuses_change(chain: list[int], statement: str) -> None:
    with pytest.raises(ProgrammingError, match="append-only"), transaction() as session:
        session.execute(text(statement))


def test_the_operators_commands(open_app: Flask) -> None:
    run = open_app.test_cli_runner().invoke
    act(1)
    seal()
    head = run(args=["audit", "head"]).output.strip()
    whole = run(args=["audit", "verify", "--head", head])
    assert (whole.exit_code, whole.output.startswith("Whole: 1 links")) == (0, True)
    tamper("UPDATE audit SET action = 'x'")
    broken = run(args=["audit", "verify"])
    assert broken.exit_code == 1
    assert "altered: audit row 1, link 1" in broken.output
    assert run(args=["audit", "verify", "--head", "rubbish"]).exit_code == 2


def test_the_apps_role_may_only_add(open_app: Flask) -> None:
    act(1)
    role = f"app_{uuid.uuid4().hex[:8]}"
    with transaction() as session:
        session.execute(text(f"CREATE ROLE {role} LOGIN"))
    run = open_app.test_cli_runner().invoke
    assert run(args=["audit", "grant", role]).exit_code == 0
    assert run(args=["audit", "grant", "nobody-here"]).exit_code == 1
    url = driver_url(open_app.extensions["wxapi"].config.database_url)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"SET ROLE {role}")
            connection.execute("INSERT INTO audit (at, action, subject, detail) VALUES (now(), 'a', 's', '{}')")
            connection.execute("DELETE FROM tokens")
            for statement in ("UPDATE audit SET action = 'x'", "DELETE FROM audit", "DELETE FROM audit_links"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
                    connection.execute(statement)
    finally:
        with transaction() as session:
            session.execute(text(f"DROP OWNED BY {role}"))
            session.execute(text(f"DROP ROLE {role}"))
