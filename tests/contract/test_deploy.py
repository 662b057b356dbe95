"""The files of `deploy/`, as far as this machine has the programs that read them."""

import json
import os
import re
import shutil
import subprocess
import threading
import warnings
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from config import Config, ConfigError
from tests.nginx import nginx_settings, port_answers
from tests.processes import await_true
from wxapi.demo.embedded import free_port

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
# What a figure of a kind is called in queries.
NAMES: dict[str, Callable[[str], set[str]]] = {
    "counter": lambda name: {f"{name}_total"},
    "gauge": lambda name: {name},
    "histogram": lambda name: {f"{name}_bucket", f"{name}_sum", f"{name}_count"},
    "summary": lambda name: {name, f"{name}_sum", f"{name}_count"},
}
UNITS = ("wxapi-api.service", "wxapi-workers.service")


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed: its file cannot be tried")
def test_nginx_takes_its_file(tmp_path: Path) -> None:
    command = ["nginx", "-t", "-c", str(nginx_settings(tmp_path)), "-p", str(tmp_path)]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr


class Echo(BaseHTTPRequestHandler):
    """Stands where the API would: tells the headers that came."""

    def do_GET(self) -> None:
        body = json.dumps(dict(self.headers.items())).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed: its file cannot be tried")
def test_nginx_hands_on_the_clients_address_and_keeps_figures_to_itself(tmp_path: Path) -> None:
    """What a client says of its own address is dropped: one trusted proxy, one address."""
    plain, tls = free_port(), free_port()
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as upstream:
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        whole = nginx_settings(tmp_path, (plain, tls, upstream.server_port))
        with subprocess.Popen(["nginx", "-c", str(whole), "-p", str(tmp_path)]) as nginx:
            try:
                session = requests.Session()
                session.verify = session.trust_env = False
                await_true(lambda: port_answers(tls))
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # the certificate is its own
                    base = f"https://127.0.0.1:{tls}"
                    seen = session.get(f"{base}/api/v1/me", headers={"X-Forwarded-For": "192.0.2.1"}, timeout=60)
                    assert seen.json()["X-Forwarded-For"] == "127.0.0.1"
                    assert seen.json()["X-Forwarded-Proto"] == "https"
                    assert "max-age" in seen.headers["Strict-Transport-Security"]
                    assert [
                        session.get(f"{base}{path}", timeout=60).status_code for path in ("/metrics", "/healthz")
                    ] == [
                        404,
                        404,
                    ]
                    asked = session.get(f"http://127.0.0.1:{plain}/desk", allow_redirects=False, timeout=60)
                assert (asked.status_code, asked.headers["Location"]) == (301, "https://127.0.0.1/desk")
                # nginx writes its line behind the answer.
                log = tmp_path / "access.log"
                await_true(lambda: log.read_text().count("127.0.0.1 [") == 4, seconds=20)
            finally:
                nginx.terminate()
                upstream.shutdown()


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


@pytest.mark.skipif(
    not shutil.which("systemd-sysusers") or not shutil.which("systemd-tmpfiles") or os.geteuid() != 0,
    reason="systemd is not installed, or this is not root: user and folders cannot be made",
)
def test_the_services_user_and_folders_are_made(tmp_path: Path) -> None:
    """In a root of its own: settings are the service's to read, and nobody else's."""
    for kind in ("sysusers", "tmpfiles"):
        folder = tmp_path / f"usr/lib/{kind}.d"
        folder.mkdir(parents=True)
        shutil.copy(DEPLOY / "systemd" / f"wxapi.{kind}.conf", folder / "wxapi.conf")
    settings = tmp_path / "etc/wxapi/wxapi.env"
    settings.parent.mkdir(parents=True)
    settings.write_text("WXAPI_ENV=production\n")
    for program, *words in (("systemd-sysusers",), ("systemd-tmpfiles", "--create")):
        subprocess.run([program, *words, f"--root={tmp_path}"], check=True, capture_output=True)
    user = next(line.split(":") for line in (tmp_path / "etc/passwd").read_text().splitlines() if "wxapi:" in line)
    group = int(user[3])
    assert (settings.stat().st_uid, settings.stat().st_gid, settings.stat().st_mode & 0o777) == (0, group, 0o640)
    home = (tmp_path / "var/lib/wxapi").stat()
    assert (home.st_uid, home.st_mode & 0o777) == (int(user[2]), 0o750)
    # A unit that starts sets the mode anew.
    for unit in UNITS:
        assert "StateDirectoryMode=0750" in (DEPLOY / "systemd" / unit).read_text("utf-8").splitlines()


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed: the rules cannot be tried")
def test_prometheus_takes_its_rules() -> None:
    rules = DEPLOY / "prometheus" / "wxapi.rules.yaml"
    tried = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stdout + tried.stderr


# Alarm → series that ring it, and series that are no reason to, each a value a minute for four hours.
WELL, ERROR = 'wxapi_requests_total{status="200"}', 'wxapi_requests_total{status="503"}'
SLOW = [f'wxapi_request_seconds_bucket{{le="{le}"}}' for le in ("1", "2.5", "5", "+Inf")]
RINGS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "WxapiGivenUp": ({"wxapi_outbox_dead": "1x240"}, {"wxapi_outbox_dead": "0x240"}),
    "WxapiWorkersBehind": ({"wxapi_outbox_overdue": "1001x240"}, {"wxapi_outbox_overdue": "1000x240"}),
    "WxapiScheduleSilent": (  # dead; and away for less than a restart may take
        {"wxapi_schedule_silent_seconds": "0 0+60x240"}, {"wxapi_schedule_silent_seconds": "0x236 61+60x3"},
    ),
    "WxapiErrors": ({WELL: "0+95x240", ERROR: "0+5x240"}, {WELL: "0+1000x240", ERROR: "0+5x240"}),
    "WxapiSlow": (
        dict(zip(SLOW, ("0+9x240", "0+9x240", "0+10x240", "0+10x240"), strict=True)),
        dict(zip(SLOW, ("0+99x240", "0+100x240", "0+100x240", "0+100x240"), strict=True)),
    ),
    "WxapiLimiterAway": (
        {"wxapi_rate_limit_errors_total": "0+1x240"}, {"wxapi_rate_limit_errors_total": "5x240"},
    ),
    "WxapiWechatRefuses": (
        {'wxapi_wechat_circuit_open_until_seconds{path="/a"}': "99999x240"},
        {'wxapi_wechat_circuit_open_until_seconds{path="/a"}': "60x240"},
    ),
    "WxapiMessagesFail": (
        {
            'wxapi_message_deliveries_total{delivery="failed"}': "0+6x240",
            'wxapi_message_deliveries_total{delivery="sent"}': "0+4x240",
        },
        {
            'wxapi_message_deliveries_total{delivery="failed"}': "0+4x240",
            'wxapi_message_deliveries_total{delivery="inbox"}': "0+6x240",
        },
    ),
    "WxapiRowsLeft": (  # a row that an hourly sweep fails at each time; and one that failed once
        {'wxapi_rows_not_swept_total{sweep="a"}': "1x59 2x59 3x59 4x59 5x20"},
        {'wxapi_rows_not_swept_total{sweep="a"}': "0x120 1x120"},
    ),
    "WxapiWithClosedRegions": ({"wxapi_with_closed_regions": "1x240"}, {"wxapi_with_closed_regions": "0x235 1x5"}),
    "WxapiBoundariesLeftOut": ({"wxapi_boundaries_left_out": "1x240"}, {"wxapi_boundaries_left_out": "0x240"}),
}  # fmt: skip


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed: the rules cannot be tried")
def test_each_alarm_rings_when_it_should_and_only_then(tmp_path: Path) -> None:
    rules = DEPLOY / "prometheus" / "wxapi.rules.yaml"
    groups = yaml.safe_load(rules.read_text("utf-8"))["groups"]
    assert {rule["alert"] for group in groups for rule in group["rules"]} == RINGS.keys()
    tried = [
        {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
                    "eval_time": "4h",
                    "exp_samples": [{"labels": "{}", "value": 1}] if rings else [],
                }
            ],
        }
        for alert, both in RINGS.items()
        for rings, series in zip((True, False), both, strict=True)
    ]
    file = tmp_path / "tried.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": tried}))
    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_container_copies_what_is_there_and_the_compose_file_names_its_own() -> None:
    lines = (DEPLOY / "container" / "Containerfile").read_text("utf-8").splitlines()
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert {"config.py", "wsgi.py", "wxapi", "workers", "migrations", "requirements.lock"} == set(copied)
    assert all((ROOT / name).exists() for name in copied)
    sent = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE)
    assert set(sent) == set(copied), "podman and docker send nothing else to the build"
    services = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text("utf-8"))["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
    assert services["migrate"]["command"] == ["flask", "--app", "wsgi", "database", "upgrade"]
    assert services["workers"]["command"] == ["python", "-m", "workers"]
    assert services["api"]["ports"] == ["127.0.0.1:8000:8000"]  # for the proxy of the machine only


def test_the_units_run_what_the_manual_says() -> None:
    manual = (ROOT / "docs" / "operations.md").read_text("utf-8")
    api = (DEPLOY / "systemd" / UNITS[0]).read_text("utf-8")
    command = re.search(r"^\| API \| `(python -m granian [^`]+)`", manual, re.MULTILINE)
    assert command
    assert f"ExecStart=/opt/wxapi/.venv/bin/{command[1]}\n" in api
    assert "ExecReload=/bin/kill -HUP $MAINPID" in api
    container = (DEPLOY / "container" / "Containerfile").read_text("utf-8")
    started = json.loads(re.findall(r"^CMD (.*)$", container, re.MULTILINE)[0])
    # An image holds one release: no link to follow.
    inside = command[1].removeprefix("python -m ").replace("/opt/wxapi/wsgi.py:", "wsgi:")
    assert " ".join(started).replace("0.0.0.0", "127.0.0.1") == inside


def test_boards_and_alarms_ask_for_what_is_exported(client: FlaskClient) -> None:
    """Names as `/metrics` tells them, and labels that each has; and none that is ours is shown nowhere."""
    import_module("workers.topics")  # what workers count stands in the same folder, and so in the same answer
    exported = {
        name: family.name
        for family in text_string_to_metric_families(client.get("/metrics").get_data(as_text=True))
        for name in NAMES[family.type](family.name)
    }
    labels = {name: set(getattr(metric, "_labelnames", ())) for name, metric in REGISTRY._names_to_collectors.items()}
    board = json.loads((DEPLOY / "grafana" / "wxapi.json").read_text("utf-8"))
    rules = yaml.safe_load((DEPLOY / "prometheus" / "wxapi.rules.yaml").read_text("utf-8"))
    targets = [target for panel in board["panels"] for target in panel.get("targets", ())]
    asked = [(target["expr"], target["legendFormat"]) for target in targets]
    asked += [(rule["expr"], rule["annotations"]["summary"]) for group in rules["groups"] for rule in group["rules"]]
    shown = set()
    for expression, told in asked:
        named = set(re.findall(r"wxapi_\w+", expression))
        assert named, expression
        assert named <= exported.keys(), expression
        shown |= {exported[name] for name in named}
        by = {word.strip() for words in re.findall(r"\bby \(([^)]*)\)", expression) for word in words.split(",")}
        for name in named:
            assert by | set(re.findall(r"(\w+)=~?\"", expression)) <= labels[name] | {"le"}, expression
        assert set(re.findall(r"\{\{ *(?:\$labels\.)?(\w+) *\}\}", told)) <= by, told
    ours = {name for name in exported.values() if name.startswith("wxapi_") and not name.endswith("_created")}
    assert ours - shown == set()


def test_both_units_count_in_one_folder() -> None:
    """Otherwise `/metrics` of the API says nothing of the jobs."""
    for unit in UNITS:
        lines = (DEPLOY / "systemd" / unit).read_text("utf-8").splitlines()
        assert "Environment=PROMETHEUS_MULTIPROC_DIR=/run/wxapi-metrics" in lines
        assert {"RuntimeDirectory=wxapi-metrics", "RuntimeDirectoryPreserve=yes"} <= set(lines)


def test_the_compose_file_says_what_the_specification_knows() -> None:
    """The words of the compose specification that are used here; another one is a slip, or belongs in this list."""
    compose = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text("utf-8"))
    words = {
        "image": str, "build": dict, "command": list, "environment": dict, "env_file": str, "volumes": list,
        "healthcheck": dict, "ports": list, "restart": str, "depends_on": dict, "tmpfs": list,
    }  # fmt: skip
    assert set(compose) == {"services", "volumes"}
    for name, service in compose["services"].items():
        assert all(isinstance(service[word], words[word]) for word in service), name
        assert service.get("restart", "always") == "always"
        for needed in service.get("depends_on", {}).values():
            assert needed["condition"] in {"service_healthy", "service_completed_successfully"}
        for volume in service.get("volumes", ()):
            assert volume.partition(":")[0] in {*compose["volumes"], "./city"}, name
        ours = service["image"] == "wxapi"
        assert ("./city:/etc/wxapi/city:ro" in service.get("volumes", ())) == ours, "its rules are read at each start"
    build = compose["services"]["api"]["build"]
    assert (DEPLOY / "container" / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()


def test_the_settings_beside_the_compose_file_are_taken_and_name_its_services() -> None:
    text = (DEPLOY / "container" / "compose.yaml").read_text("utf-8")
    told = dict(re.findall(r"\b([A-Z][A-Z_]*_URL)=([^\s，]+)", text))
    assert {"DATABASE_URL", "REDIS_URL", "STORAGE_URL", "AWS_ENDPOINT_URL"} == told.keys()
    services = yaml.safe_load(text)["services"]
    for name in ("DATABASE_URL", "REDIS_URL", "AWS_ENDPOINT_URL"):
        assert urlsplit(told[name]).hostname in services, name
    # Refused is only what the comment leaves to the city: none of these three is among it.
    with pytest.raises(ConfigError) as refused:
        Config.from_env(told)
    assert not {"DATABASE_URL", "REDIS_URL", "STORAGE_URL"} & set(re.findall(r"[A-Z_]+", str(refused.value)))


def test_network_logs_stay_for_six_months() -> None:
    rule = (DEPLOY / "logrotate" / "wxapi").read_text("utf-8")
    kept = re.search(r"rotate (\d+)", rule)
    assert kept
    assert int(kept[1]) >= 180
    (kept_file,) = re.findall(r"^(/\S+) \{", rule, re.MULTILINE)
    written = re.findall(r"access_log (\S+) ", (DEPLOY / "nginx" / "wxapi.conf").read_text("utf-8"))
    assert set(written) == {kept_file}
    # Debian's own rule takes /var/log/nginx/*.log for 14 days, and is read before this one.
    assert not kept_file.startswith("/var/log/nginx/")
