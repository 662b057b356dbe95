"""`python -m workers`: what it starts, and what it says."""

from collections.abc import Callable

import pytest
from flask import Flask

from config import Config
from workers.__main__ import Tables, arguments, main, plan

NOTHING = Tables({}, ())


@pytest.mark.parametrize(
    ("argv", "processes"),
    [
        ([], ["relay", "schedule", "routing-1", "light-1", "outgoing-1", "photos-1", "exports-1"]),
        (["relay"], ["relay"]),
        (["schedule"], ["schedule"]),
        (["worker"], ["routing-1", "light-1", "outgoing-1", "photos-1", "exports-1"]),
        (["worker", "--queue", "photos"], ["photos-1"]),
        (["worker", "--queue", "photos", "--processes", "2"], ["photos-1", "photos-2"]),
    ],
)
def test_processes(
    argv: list[str], processes: list[str], make_config: Callable[..., Config], session_app: Flask
) -> None:
    made: list[Config] = []

    def make_app(config: Config) -> Flask:
        made.append(config)
        return session_app

    assert list(plan(arguments(argv), make_config(), NOTHING, make_app)) == processes
    assert len(made) == any("-" in name for name in processes), "one app, which all that work are forked with"


def test_setting_is_the_default(make_config: Callable[..., Config], session_app: Flask) -> None:
    asked = arguments(["worker", "--queue", "light"])
    planned = plan(asked, make_config(workers=3), NOTHING, lambda _: session_app)
    assert list(planned) == ["light-1", "light-2", "light-3"]


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["relay", "--queue", "light"], "--queue goes with the role worker"),
        (["--processes", "0"], "--processes wants a number from 1 to 64"),
        (["everything"], "invalid choice"),
    ],
)
def test_what_it_cannot_do(argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(argv)
    assert sentence in capsys.readouterr().err


def test_help_helps(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--help"])
    said = capsys.readouterr().out
    for word in ("relay", "schedule", "--queue", "WXAPI_WORKERS", "outbox status"):
        assert word in said


def test_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SystemExit, match="Cannot start: DATABASE_URL is not set"):
        main(["relay"], NOTHING)
