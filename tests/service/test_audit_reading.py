"""What an operator reads of the audit, and that reading it leaves a line."""

import csv
import uuid
from datetime import timedelta
from pathlib import Path

import click
import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import NOW
from wxapi.platform.audit import AuditRow, record
from wxapi.platform.audit_reading import AuditQuestion, rows_of
from wxapi.platform.db import transaction

ACTOR = uuid.UUID(int=7)


@pytest.fixture(autouse=True)
def acts(session: Session) -> None:
    for number in range(4):
        with transaction() as writing:
            at = NOW + timedelta(days=number)
            actor = ACTOR if number % 2 else None
            action = "appointment.add" if number < 3 else "appointments"
            # Not through the module: one of the acts is no act of the product.
            record(writing, actor, action, subject=f"user:{number}", at=at, role="admin")


def run(app: Flask, *arguments: object) -> list[str]:
    result = app.test_cli_runner().invoke(args=["audit", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def test_rows_are_found_by_what_is_known_of_them(app: Flask) -> None:
    assert run(app, "show", "--subject", "user:1") == [
        f"2026-11-24T10:00:00+08:00  appointment.add  user:1  {ACTOR}  role=admin"
    ]
    assert len(run(app, "show", "--action", "appointment")) == 3  # not what only begins like it
    assert len(run(app, "show", "--actor", ACTOR)) == 2
    assert ["user:1" in line for line in run(app, "show", "--since", "2026-11-24", "--until", "2026-11-25")] == [True]


def test_only_the_newest_so_many_oldest_first(app: Flask) -> None:
    lines = run(app, "show", "--action", "appointment", "--most", 2)
    assert [line.split("  ")[2] for line in lines] == ["user:1", "user:2"]


def test_the_look_itself_is_in_the_audit(app: Flask, session: Session) -> None:
    run(app, "show", "--subject", "user:1")
    row = session.scalars(select(AuditRow).where(AuditRow.action == "audit.read")).one()
    assert row.detail == {"asked": "subject=user:1"}


def test_a_reader_who_goes_away_takes_no_look_back(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(click, "echo", gone)
    assert isinstance(app.test_cli_runner().invoke(args=["audit", "show"]).exception, OSError | SystemExit)
    assert session.scalars(select(AuditRow).where(AuditRow.action == "audit.read")).one()


def test_portions_leave_nothing_out(session: Session) -> None:
    asked = AuditQuestion(until=NOW + timedelta(days=9))
    found = [line.row.subject for line in rows_of(session, asked, at_once=2)]
    assert found == ["user:0", "user:1", "user:2", "user:3"]


def test_a_file_holds_all_and_is_never_overwritten(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "audit.csv"
    assert run(app, "export", file, "--until", "2026-11-27")[-1].startswith("5 rows")
    rows = list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()))
    assert [row[3] for row in rows[1:]] == ["user:0", "user:1", "user:2", "user:3", "audit"]  # this look too
    again = app.test_cli_runner().invoke(args=["audit", "export", str(file)])
    assert (again.exit_code, "is there already" in again.output) == (1, True)
    assert len(file.read_text(encoding="utf-8-sig").splitlines()) == 6


def test_a_question_without_an_answer_is_answered(app: Flask) -> None:
    for words in (["show", "--action", "nothing.like.it"], ["refused"]):
        told = app.test_cli_runner().invoke(args=["audit", *words])
        assert (told.exit_code, told.output) == (0, "Nothing.\n")
