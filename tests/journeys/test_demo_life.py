"""How the demo begins and ends: quickly the second time, with its data, and never leaving a process behind."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.journeys.demo_process import DemoProcess
from tests.journeys.phone import Phone
from tests.processes import await_true
from wxapi.demo.errors import DemoError
from wxapi.demo.settings import DemoSettings, keys_of, product_environment

pytestmark = pytest.mark.processes


def test_demo_people_hold_their_offices(phone_of: Callable[[str], Phone]) -> None:
    for openid, role in [
        ("worker-421002001001", "community_worker"),
        ("officer-421002001", "township_officer"),
        ("chief-421002001", "street_chief"),
        ("supervisor-421002", "supervisor"),
        ("organiser-421002", "training_organiser"),
        ("steward-421002", "training_steward"),
        ("supervisor-4210", "supervisor"),
        ("admin-4210", "admin"),
    ]:
        (held,) = phone_of(openid).me["appointments"]
        assert (held["role"], held["region"]["code"]) == (role, openid.partition("-")[2])
    assert phone_of("reporter-50").me["appointments"] == []


def test_ctrl_c_ends_everything_and_the_next_start_finds_the_data(demo: DemoProcess) -> None:
    person = Phone(demo.url, demo.fake_wechat_url, "reporter-1")
    demo.stop()
    assert demo.process.returncode == 0
    began = time.monotonic()
    demo.start()
    demo.await_ready()
    # 10 s on a machine with nothing else to do; tests share theirs.
    assert time.monotonic() - began < 60
    assert "Importing" not in "\n".join(demo.said)
    assert person.get("/me") == person.me  # its token is in the database


def test_an_operators_command_knows_the_settings_of_the_demo_that_runs(demo: DemoProcess) -> None:
    environ = {"PATH": os.environ["PATH"], "WXAPI_DATA_DIR": str(demo.folder), "WXAPI_ENV": "production"}
    flask = [sys.executable, "-m", "wxapi.demo", "flask"]
    done = subprocess.run([*flask, "doctor"], capture_output=True, text=True, timeout=60, check=True, env=environ)
    assert "WRONG" not in done.stdout
    assert "knows this mini program" in done.stdout
    (kept,) = demo.folder.glob("environment.json")
    assert kept.stat().st_mode & 0o777 == 0o600
    environ["WXAPI_DATA_DIR"] = str(demo.folder / "none")
    refused = subprocess.run([*flask, "doctor"], capture_output=True, text=True, timeout=60, check=False, env=environ)
    assert (refused.returncode, "no demo runs on" in refused.stderr) == (1, True)


def test_a_killed_demo_leaves_nothing_and_starts_again(demo: DemoProcess) -> None:
    family = demo.family()
    demo.process.kill()
    demo.rest()
    await_true(lambda: not any(process.is_running() for process in family), seconds=60)
    demo.start()
    demo.await_ready()
    assert Phone(demo.url, demo.fake_wechat_url, "reporter-2").get("/me")["appointments"] == []


def test_a_second_copy_on_the_same_folder_is_refused(demo: DemoProcess, tmp_path: Path) -> None:
    second = DemoProcess(tmp_path)
    second.folder = demo.folder
    assert "Another copy runs on" in refusal(second)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    copy = DemoProcess(tmp_path / "var")
    with socket.create_server(("127.0.0.1", copy.fake_wechat_port)):
        said = refusal(copy)
    assert f"Port {copy.fake_wechat_port} is in use" in said
    assert "WXAPI_FAKE_WECHAT_PORT=" in said


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"postgres/base/1": ""}, "not a whole PostgreSQL data folder"),
        ({"postgres/PG_VERSION": "18\n"}, "not a whole PostgreSQL data folder"),
        ({"postgres/PG_VERSION": "15\n", "postgres/global/pg_control": ""}, "was written by PostgreSQL 15"),
        ({"postgres": "a file"}, "not a whole PostgreSQL data folder"),
        ({"keys.json": "{"}, "keys.json is damaged"),
    ],
)
def test_a_half_made_data_folder_is_explained(tmp_path: Path, files: dict[str, str], sentence: str) -> None:
    keys_of(tmp_path, database_exists=False)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert sentence in refusal(DemoProcess(tmp_path))


def test_lost_keys_are_noticed_before_anybody_is_locked_out(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    assert "keys.json is missing" in refusal(DemoProcess(tmp_path))


def test_a_file_in_place_of_the_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    assert "is not a folder" in refusal(DemoProcess(tmp_path / "var"))


def refusal(copy: DemoProcess) -> str:
    """What a copy that cannot start says, in one sentence and with exit code 1."""
    copy.start()
    said = copy.rest()
    assert copy.process.returncode == 1
    assert "Traceback" not in said
    assert "Cannot run the demo: " in said.splitlines()[-1]
    return said.splitlines()[-1]


def test_keys_are_in_no_command_line(demo: DemoProcess) -> None:
    """Every user of a machine sees those."""
    keys = json.loads((demo.folder / "keys.json").read_text())
    secrets = [value for name, value in keys.items() if name != "WECHAT_APPID"]
    words = " ".join(word for _, said in demo.command_lines() for word in said)
    assert "wxapi.demo.fake_wechat" in words
    assert not [secret for secret in secrets if secret in words]


def test_the_products_database_role_owns_nothing(demo: DemoProcess) -> None:
    """A hole in the API must not read the machine's files or change the audit."""
    (workers,) = {process.environ()["DATABASE_URL"] for process in demo.running("-m", "workers")}
    with psycopg.connect(workers, autocommit=True) as connection:
        held = "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
        assert connection.execute(held).fetchall() == [(False,)]
        for refused in ("SELECT pg_read_file('/etc/hostname')", "DELETE FROM audit", "ALTER TABLE users ADD x int"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(refused)


def test_a_wechat_of_ones_own_takes_the_place_of_the_fake() -> None:
    own = {"WECHAT_APPID": "wx00000000000000aa", "WECHAT_SECRET": "own", "WECHAT_BASE_URL": "https://api.weixin.qq.com"}
    settings = DemoSettings.from_env(own)
    assert settings.real_wechat
    with pytest.raises(DemoError, match="WECHAT_APPID is set alone"):
        DemoSettings.from_env({"WECHAT_APPID": "wx00000000000000aa"})
    assert not DemoSettings.from_env({}).real_wechat


def test_the_environment_of_a_wechat_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WECHAT_APPID", "wx00000000000000aa")
    monkeypatch.setenv("WECHAT_SECRET", "own")
    monkeypatch.delenv("WXAPI_CLOCK_OFFSET_S", raising=False)
    settings = DemoSettings.from_env({**os.environ, "WXAPI_DATA_DIR": str(tmp_path)})
    keys = keys_of(tmp_path, database_exists=False)
    made = product_environment(settings, keys, database_url="postgresql://x@/y", redis_url="redis://h")
    assert (made["WECHAT_APPID"], made["WECHAT_SECRET"]) == ("wx00000000000000aa", "own")
    assert made.get("WECHAT_BASE_URL") != settings.fake_wechat_url
    assert "WXAPI_CLOCK_OFFSET_S" not in made
    assert "WECHAT_PUSH_TOKEN" not in made
