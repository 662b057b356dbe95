"""As root the embedded PostgreSQL runs as somebody else, and must find its programs below private folders."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wxapi.demo import launch

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="only root on Linux changes user"),
]


@pytest.fixture
def private_program(tmp_path: Path) -> Path:
    """A program that only root can reach by its permissions, as in a clone below /root."""
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    program = folder / "program"
    program.write_text('#!/bin/sh\ntest -x "$0" && echo "$(id -un) may"\n')
    program.chmod(0o700)
    return program


def test_nobody_reaches_a_private_program(private_program: Path) -> None:
    assert launched("nobody", str(private_program)).stdout == "nobody may\n"


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    refused = launched("nobody", str(tmp_path / "none"))
    assert refused.returncode == 1
    assert refused.stderr == f"{tmp_path}/none: No such file or directory\n"


def launched(user: str, program: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), "15", user, program]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
