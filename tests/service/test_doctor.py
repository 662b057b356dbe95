"""The doctor: one line for each thing, and an exit code."""

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.factories import People
from wxapi.identity.models import User
from wxapi.platform.runtime import runtime


def looked(app: Flask) -> tuple[int, dict[str, str]]:
    done = app.test_cli_runner().invoke(args=["doctor"])
    lines = [line for line in done.output.splitlines() if line]
    return done.exit_code, {line[6:].partition(":")[0]: line for line in lines}


@pytest.mark.usefixtures("session")
def test_what_is_wrong_is_one_line(app: Flask) -> None:
    code, lines = looked(app)
    assert code == 1  # nothing listens where the tests' WeChat would be
    assert lines["wechat"].startswith("WRONG")
    assert "refused" in lines["wechat"].lower()
    assert all(lines[name].startswith("ok") for name in ("settings", "schema", "store", "redis", "clock"))


def test_a_key_that_data_need_is_named(app: Flask, session: Session, people: People) -> None:
    user_id = people.make().actor.user_id
    assert looked(app)[1]["keys"].startswith("ok")
    session.execute(update(User).where(User.id == user_id).values(openid_sealed=b"gone\x00" + bytes(40)))
    session.flush()
    assert "sealed with gone" in looked(app)[1]["keys"]


def test_a_misspelt_setting_is_named(app: Flask) -> None:
    parts = runtime()
    before = parts.config
    parts.config = replace(before, unknown=("WXAPI_TRUSTED_PROXY",))
    try:
        assert "WXAPI_TRUSTED_PROXY" in looked(app)[1]["settings"]
    finally:
        parts.config = before
