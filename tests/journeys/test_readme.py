"""What the README tells a newcomer to type works as it stands."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.demo_process import DemoProcess

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
VILLAGE = "421081103207"


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_first_report_is_filed_as_written(demo: DemoProcess, name: str) -> None:
    (script,) = re.findall(r"```bash\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
    for written, here in [
        ("http://127.0.0.1:8000", demo.url),
        ("http://127.0.0.1:8001", demo.fake_wechat_url),
        (".venv/bin/python", sys.executable),
    ]:
        assert written in script
        script = script.replace(written, here)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True)
    report = json.loads(done.stdout)
    assert (report["state"], report["desk"]["code"], report["version"]) == ("routed", VILLAGE, 2)
    assert len(report["photos"]) == 1
