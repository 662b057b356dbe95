"""Requests are counted as the library counts them, in the files of each process."""

import os
import subprocess
import sys
from pathlib import Path

_SCRIPT = """
import os, signal
from wxapi.platform import metrics
from wxapi.platform.request_meter import meter_of

def count():
    for status, seconds in ((200, 0.005), (200, 0.0051), (201, 0.0), (200, 9.9), (200, 10.0), (503, 99.0), (200, 0.3)):
        meter_of("ours", "GET", status).count(seconds)
        metrics.requests.labels("theirs", "GET", status).inc()
        metrics.request_seconds.labels("theirs").observe(seconds)
        metrics.jobs.labels(str(seconds) * 5000, "done").inc()  # the file grows under it

count()
child = os.fork()
if not child:
    count()
    os.kill(os.getpid(), signal.SIGKILL)
os.waitpid(child, 0)
count()
print(metrics.exposition().decode())
"""


def test_the_meter_counts_as_the_library_does(tmp_path: Path) -> None:
    for setting, counted in (({}, 14), ({"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}, 21)):
        command = [sys.executable, "-c", _SCRIPT]
        told = subprocess.run(command, env={**os.environ, **setting}, capture_output=True, text=True, check=True).stdout
        lines = [line for line in told.splitlines() if "_created" not in line]
        ours, theirs = (sorted(line for line in lines if f'"{name}"' in line) for name in ("ours", "theirs"))
        assert ours == [line.replace("theirs", "ours") for line in theirs]
        assert f'wxapi_request_seconds_count{{endpoint="ours"}} {counted}.0' in ours
