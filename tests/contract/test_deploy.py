"""The files of `deploy/`, as far as this machine has the programs that read them."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = ("wxapi-api.service", "wxapi-workers.service")


def self_signed(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "report.example.gov.cn")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
    folder.joinpath("fullchain.pem").write_bytes(
        made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    folder.joinpath("privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed: its file cannot be tried")
def test_nginx_takes_its_file(tmp_path: Path) -> None:
    self_signed(tmp_path)
    site = (DEPLOY / "nginx" / "wxapi.conf").read_text("utf-8")
    site = site.replace("/etc/nginx/wxapi/", f"{tmp_path}/").replace("/var/log/nginx/", f"{tmp_path}/")
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n{site}\n}}\n", "utf-8")
    tried = subprocess.run(
        ["nginx", "-t", "-c", str(whole), "-p", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert tried.returncode == 0, tried.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed: units cannot be tried")
@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_a_unit(unit: str, tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / unit).read_text("utf-8")
    (tmp_path / unit).write_text(re.sub(r"/opt/wxapi/\.venv/bin/\S+", "/bin/true", text), "utf-8")
    tried = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / unit)], capture_output=True, text=True, check=False
    )
    assert f"{unit}:" not in tried.stderr, tried.stderr
    assert tried.returncode == 0, tried.stderr


def test_the_units_run_what_the_manual_says() -> None:
    manual = (ROOT / "docs" / "operations.md").read_text("utf-8")
    api = (DEPLOY / "systemd" / UNITS[0]).read_text("utf-8")
    command = re.search(r"^\| API \| `(granian [^`]+)`", manual, re.MULTILINE)
    assert command
    assert f"ExecStart=/opt/wxapi/.venv/bin/{command[1]}\n" in api
    assert "ExecReload=/bin/kill -HUP $MAINPID" in api
    container = (DEPLOY / "container" / "Containerfile").read_text("utf-8")
    started = json.loads(re.findall(r"^CMD (.*)$", container, re.MULTILINE)[0])
    assert " ".join(started).replace("0.0.0.0", "127.0.0.1") == command[1]


def test_boards_and_alarms_name_figures_that_are_measured() -> None:
    source = (ROOT / "wxapi" / "platform" / "metrics.py").read_text("utf-8")
    measured = set(re.findall(r'"(wxapi_\w+)"', source))
    for path in (DEPLOY / "prometheus" / "wxapi.rules.yaml", DEPLOY / "grafana" / "wxapi.json"):
        named = {re.sub(r"_(total|bucket)$", "", name) for name in re.findall(r"wxapi_\w+", path.read_text("utf-8"))}
        assert named
        assert named <= measured
    json.loads((DEPLOY / "grafana" / "wxapi.json").read_text("utf-8"))


def test_network_logs_stay_for_six_months() -> None:
    kept = re.search(r"rotate (\d+)", (DEPLOY / "logrotate" / "wxapi").read_text("utf-8"))
    assert kept
    assert int(kept[1]) >= 180
