"""A city's folder at the start of the app, and the command that tries one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from config import Config, ConfigError
from wxapi.app import create_app
from wxapi.kernel import city
from wxapi.kernel.city_files import SHIPPED
from wxapi.platform import vocabulary


@pytest.fixture(autouse=True)
def the_city_before() -> Iterator[None]:
    before = city.city()
    yield
    city.use(before)


def own(tmp_path: Path, settings: str) -> Path:
    (tmp_path / "city.toml").write_text(settings, "utf-8")
    return tmp_path


def test_an_app_serves_the_city_of_its_folder(tmp_path: Path, make_config: Callable[..., Config]) -> None:
    folder = own(
        tmp_path,
        '[city]\nnumber_prefix = "YC"\n[reasons]\nno_money = "资金未落实"\n[words.states]\ntriage = "待派单"\n',
    )
    app = create_app(make_config(city_folder=folder))
    assert city.city().number_prefix == "YC"
    with app.app_context():
        groups = vocabulary.groups()
    assert [(word.code, word.actions) for word in groups["reasons"]] == [("no_money", ())]
    assert {word.code: word.zh for word in groups["states"]}["triage"] == "待派单"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("[workflow]\nreturns = 0\n", r"WXAPI_CITY_FOLDER: city\.toml, line 2: workflow\.returns"),
        (
            '\n[words.states]\ntriag = "x"\n',
            r"city\.toml, line 3: words\.states\.triag: there is no such group or code",
        ),
        ('[words.stats]\ntriage = "x"\n', r"city\.toml, line 1: words\.stats: there is no such group or code"),
        ('[reason_actions]\nweathr = ["refuse"]\n', r"line 2: reason_actions\.weathr: there is no such reason"),
        ('[reason_actions]\nweather = ["refus"]\n', r"line 2: reason_actions\.weather: there is no such action"),
        (
            '[phrases]\nnote = ["x"]\nreslove = ["x"]\n',
            r"city\.toml, line 3: phrases\.reslove: there is no such action",
        ),
    ],
)
def test_a_wrong_folder_stops_the_start(
    tmp_path: Path, make_config: Callable[..., Config], settings: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        create_app(make_config(city_folder=own(tmp_path, settings)))


def test_the_command_tries_a_folder(app: Flask, tmp_path: Path) -> None:
    run = app.test_cli_runner()
    good = run.invoke(args=["city", "check", str(SHIPPED)])
    assert (good.exit_code, "100 classes" in good.output) == (0, True)
    bad = run.invoke(args=["city", "check", str(own(tmp_path, '[words.states]\ntriag = "x"\n'))])
    assert bad.exit_code == 1
    assert "words.states.triag" in bad.output
    wrong = run.invoke(args=["city", "check", str(own(tmp_path, "\n[office]\nhollidays = []\n"))])
    assert wrong.exit_code == 1
    assert "city.toml, line 3" in wrong.output
