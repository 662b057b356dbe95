"""What a mini program's developer does with the OpenAPI document: lint it, generate types, compile a phone against them.

The tools come from npm as tests/typescript/package-lock.json names them, once. Without Node.js, or with no way to npm at
the first run, these tests are skipped and say so.
"""

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.contract.test_house import ROOT
from tests.contract.test_openapi import DOCUMENT

FOLDER = ROOT / "tests" / "typescript"
TOOLS = FOLDER / "node_modules"
# What npm says when it cannot reach its registry.
NO_NETWORK = ("ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "EPROTO", "CERT")
QUIET = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder of the tools' commands; installed by the first process that asks, and again when the lock changes."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Node.js is not here: the types for TypeScript and Redocly's rules are not tried.")
    lock, installed = FOLDER / "package-lock.json", TOOLS / ".installed"
    with (FOLDER / ".gitignore").open() as mutex:
        fcntl.flock(mutex, fcntl.LOCK_EX)
        if not installed.exists() or installed.read_text() != lock.read_text():
            command = ["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline"]
            done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode and any(word in done.stderr for word in NO_NETWORK):
                pytest.skip("npm is out of reach: the types for TypeScript and Redocly's rules are not tried.")
            assert done.returncode == 0, done.stderr
            installed.write_text(lock.read_text())
    return TOOLS / ".bin"


@pytest.fixture(scope="session")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document as a city serves it."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    public = {**DOCUMENT, "servers": [{"url": "https://wxapi.jingzhou.gov.cn"}]}
    path.write_text(json.dumps(public, ensure_ascii=False))
    return path


def run(*command: str | Path) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=FOLDER, env=QUIET, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_redocly_finds_no_errors(tools: Path, document: Path) -> None:
    # Its recommended rules. Warnings are left standing: two paths of people look alike to it, and not to the router.
    assert "valid" in run(tools / "redocly", "lint", document, "--format", "stylish")


def test_a_small_phone_compiles_against_the_types(tools: Path, document: Path, tmp_path: Path) -> None:
    for name in ("wx.d.ts", "client.ts", "phone.ts", "tsconfig.json"):
        shutil.copy(FOLDER / name, tmp_path)
    run(tools / "openapi-typescript", document, "-o", tmp_path / "api.ts", "--default-non-nullable=false")
    run(tools / "tsc", "-p", tmp_path)
    # That the compiler does look is said by the phone itself: `wrong` fails where nothing is wrong.
    assert (FOLDER / "phone.ts").read_text().count("@ts-expect-error") >= 4
