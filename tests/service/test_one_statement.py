"""A unit of work that is one statement: all of it or nothing, whoever else writes meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from tests.conftest import NOW
from wxapi.platform import outbox
from wxapi.platform.db import at_once, db, deferred_commit, fetch, fetch_alone, transaction, write_later, write_or_tell
from wxapi.platform.driver import Part, SurpriseError, as_one

WORD = "13800138000"
_KEY = """
INSERT INTO moderation_traces (trace_id, at, suggest) VALUES (%(id)s, %(at)s, %(word)s)
ON CONFLICT (trace_id) DO NOTHING RETURNING 1
"""
_NONE = "SELECT 1 FROM moderation_traces WHERE trace_id = 'nobody has it'"


def key(name: str, word: str = WORD) -> dict[str, Any]:
    return {"id": name, "at": NOW, "word": word}


def kept() -> list[str]:
    return [name for (name,) in fetch_alone("SELECT trace_id FROM moderation_traces ORDER BY 1", {})]


def write(name: str, *, rows: int = 1) -> None:
    """One key and an outbox row, as one statement."""
    with deferred_commit(careful=False), at_once() as session:
        write_later(session, _KEY, key(name), rows=rows)
        outbox.record(session, "test.topic", name=name)


def noted() -> int:
    return int(fetch_alone("SELECT count(*) FROM outbox WHERE topic = 'test.topic'", {})[0][0])


def test_all_is_written(app: Flask) -> None:
    write("a")
    assert (kept(), noted()) == (["a"], 1)


def test_one_that_gives_too_few_rows_undoes_what_the_others_wrote(app: Flask) -> None:
    write("a")
    with pytest.raises(SurpriseError):
        write("a")
    assert (kept(), noted()) == (["a"], 1)


def test_one_that_gives_too_many_rows_undoes_all(app: Flask) -> None:
    with pytest.raises(SurpriseError):
        write("a", rows=0)
    assert (kept(), noted()) == ([], 0)
    with pytest.raises(SurpriseError), deferred_commit(careful=False), at_once() as session:
        write_later(session, _KEY, key("a"), rows=1)
        write_later(session, "SELECT 1 FROM generate_series(1, 2)", {}, rows=1)
    assert kept() == []


def test_where_no_part_wrote_nothing_fails(app: Flask) -> None:
    """A refusal that is seen before anything is written costs no failed statement."""
    parts = [Part(_NONE, {}, rows=1), Part(f"DELETE FROM moderation_traces WHERE EXISTS ({_NONE}) RETURNING 1", {})]
    assert fetch_alone(*as_one(parts)) == [(0,)]


def test_the_failure_names_no_value(app: Flask) -> None:
    parts = [Part(_NONE, {}, rows=1), Part(_KEY, key("a"))]
    with pytest.raises(SurpriseError) as caught:
        fetch_alone(*as_one(parts))
    said = f"{caught.value!r} {caught.value.__cause__}"
    assert "not as expected" in said
    assert WORD not in said


@pytest.mark.parametrize("reads", [False, True])
def test_a_row_that_somebody_wrote_meanwhile_is_a_surprise(app: Flask, *, reads: bool) -> None:
    """Also where something was read in the session, such as whether the city has changed: then there is a BEGIN."""
    write("a")
    insert = _KEY.replace("ON CONFLICT (trace_id) DO NOTHING", "")
    with pytest.raises(SurpriseError), deferred_commit(careful=False), at_once() as session:
        if reads:
            session.execute(select(1))
        write_later(session, insert, key("a"), rows=1)
    assert (kept(), noted()) == (["a"], 1)


def test_another_fault_of_a_value_is_no_surprise(app: Flask) -> None:
    with pytest.raises(DataError) as caught:
        fetch_alone("SELECT CAST(%(word)s AS integer)", {"word": f"{WORD}x"})
    assert not isinstance(caught.value, SurpriseError)


def test_step_by_step_the_part_itself_is_told(app: Flask) -> None:
    write("a")
    with transaction() as session:
        assert not write_or_tell(session, _KEY, key("a"), rows=1)
        assert write_or_tell(session, _KEY, key("b"), rows=1)
    assert kept() == ["a", "b"]


def test_outside_of_what_would_do_it_again_it_is_a_transaction(app: Flask) -> None:
    with at_once() as session:
        assert write_or_tell(session, _KEY, key("a"), rows=1)
        assert not write_or_tell(session, _KEY, key("a"), rows=1)
    assert kept() == ["a"]


def test_an_error_inside_leaves_nothing_to_be_written_later(app: Flask) -> None:
    with pytest.raises(ValueError, match="no"), deferred_commit(careful=False), at_once() as session:
        write_later(session, _KEY, key("a"), rows=1)
        raise ValueError("no")
    write("b")
    assert (kept(), noted()) == (["b"], 1)


def test_it_does_not_nest(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="does not nest"), deferred_commit(careful=False), at_once(), at_once():
        pass


def test_who_cannot_do_it_again_is_told_at_the_beginning(app: Flask) -> None:
    def read(session: Session) -> None:
        fetch(session, "SELECT 1", {})

    with pytest.raises(SurpriseError), deferred_commit(), at_once(redone=True) as session:
        read(session)


def test_of_several_at_once_one_writes(open_app: Flask) -> None:
    threads = 6
    together = Barrier(threads)

    def each(_: int) -> bool:
        with open_app.app_context():
            together.wait()
            try:
                write("a")
            except SurpriseError:
                return False
            finally:
                db.session.remove()
            return True

    with ThreadPoolExecutor(threads) as pool:
        assert sum(pool.map(each, range(threads))) == 1
    assert (kept(), noted()) == (["a"], 1)
