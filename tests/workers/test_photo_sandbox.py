"""The decoder process: what it bounds, what it survives, and that it leaves nothing behind."""

import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests.pictures import encoded, jpeg, jpeg_with_scans, png
from wxapi.photos.rules.decoding.imaging import develop
from wxapi.photos.rules.photos import RejectedError, RejectionCode
from wxapi.photos.services.sandbox.client import Sandbox, SandboxLostError
from wxapi.photos.services.sandbox.protocol import SandboxLimits, pack_status, split_status

pytestmark = pytest.mark.processes


@cache
def slow() -> bytes:
    """A hundred scans over 16 megapixels: within the rules, and some seconds of work."""
    return jpeg_with_scans(100, 4600, 3600)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox()
    yield made
    made.close()


def decoder_of(sandbox: Sandbox) -> psutil.Process:
    """The decoder process of a started sandbox; this process has children of other tests too."""
    assert sandbox._process is not None
    return psutil.Process(sandbox._process.pid)


def _has_large_pages() -> bool:
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    library, version = platform.libc_ver()
    known = library == "glibc" and tuple(map(int, version.split("."))) >= (2, 35)
    return known and setting.exists() and "[never]" not in setting.read_text()


def _minor_faults(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[7])


def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


def refusal(sandbox: Sandbox, data: bytes) -> RejectionCode:
    with pytest.raises(RejectedError) as caught:
        sandbox.develop(data)
    return caught.value.code


def test_the_child_makes_what_the_function_makes(sandbox: Sandbox) -> None:
    for data in (jpeg(1700, 900), png(300, 200)):
        assert sandbox.develop(data) == develop(data)
    assert refusal(sandbox, jpeg()[:2000]) is RejectionCode.TRUNCATED


def test_too_much_time_ends_the_picture_and_the_decoder_lives_on() -> None:
    for limits in (SandboxLimits(cpu_seconds=1), SandboxLimits(wall_seconds=1)):
        sandbox = Sandbox(limits)
        try:
            picture = slow()
            began = time.monotonic()
            if limits.cpu_seconds == 1:
                assert refusal(sandbox, picture) is RejectionCode.CORRUPT
            else:  # by the clock: the machine may have been busy, the picture is judged another time
                with pytest.raises(SandboxLostError):
                    sandbox.develop(picture)
            assert time.monotonic() - began < 10
            assert sandbox.develop(jpeg(100, 100)).width == 100
        finally:
            sandbox.close()


def test_too_much_memory_rejects_the_picture_and_the_decoder_lives_on() -> None:
    sandbox = Sandbox(SandboxLimits(memory_bytes=160 << 20))
    try:
        hungry = encoded(Image.new("RGB", (7000, 6000)), "PNG", compress_level=1)
        assert refusal(sandbox, hungry) is RejectionCode.CORRUPT
        assert sandbox.develop(jpeg(100, 100)).width == 100
    finally:
        sandbox.close()


def test_a_child_is_kept_while_pictures_come_out_and_not_for_ever(sandbox: Sandbox) -> None:
    small = jpeg(64, 64)
    sandbox.develop(small)
    decoder = decoder_of(sandbox)

    def worker_after(data: bytes) -> int:
        with suppress(RejectedError):
            sandbox.develop(data)
        eventually(lambda: any(child.status() != psutil.STATUS_ZOMBIE for child in decoder.children()))
        return int(decoder.children()[0].pid)

    first = worker_after(small)
    assert worker_after(small) == first
    second = worker_after(small[:700])
    assert second != first
    assert len({worker_after(small) for _ in range(120)}) == 3  # 50 each


@pytest.mark.skipif(not _has_large_pages(), reason="neither this kernel nor this C library has large pages")
def test_a_pictures_memory_comes_in_large_pages_and_goes_back(sandbox: Sandbox) -> None:
    """So that it costs little time, and nobody finds in it what another photographed."""
    sandbox.develop(jpeg(100, 100))
    (child,) = decoder_of(sandbox).children()
    small = child.memory_info().rss
    large = jpeg(3100, 2300)  # 28 MB decoded, 50 MB with what is made of it
    for _ in range(3):  # `malloc` changes its mind at the first
        faults = _minor_faults(child.pid)
        sandbox.develop(large)
        assert _minor_faults(child.pid) - faults < 4_000
        eventually(lambda: child.memory_info().rss < small + (8 << 20))


def test_the_limits_count_anew_for_each_picture() -> None:
    sandbox = Sandbox(SandboxLimits(cpu_seconds=4))
    hard_work = jpeg_with_scans(100, 1600, 1200)  # some tenths of a second
    try:
        sandbox.develop(hard_work)
        decoder = decoder_of(sandbox)
        (child,) = decoder.children()
        while sum(child.cpu_times()[:2]) < 5:
            assert sandbox.develop(hard_work).width == 1600
    finally:
        sandbox.close()


def test_a_decoder_that_was_killed_is_replaced_once_before_the_forks(sandbox: Sandbox) -> None:
    sandbox.start()
    first = decoder_of(sandbox)
    first.kill()
    eventually(lambda: first.status() == psutil.STATUS_ZOMBIE)
    sandbox.start()
    second = decoder_of(sandbox)
    assert second.pid != first.pid
    for _ in range(3):  # as the worker does for each job
        sandbox.start()
        pid = os.fork()
        if pid == 0:
            os._exit(0 if sandbox.develop(jpeg(100, 100)).width == 100 else 1)
        assert os.waitpid(pid, 0)[1] == 0
        assert decoder_of(sandbox).pid == second.pid
        assert second.is_running()


def test_a_child_that_died_while_idle_costs_one_try(sandbox: Sandbox) -> None:
    sandbox.develop(jpeg())
    decoder = decoder_of(sandbox)
    decoder.children()[0].kill()
    with pytest.raises(SandboxLostError):
        sandbox.develop(jpeg())
    assert sandbox.develop(jpeg(100, 100)).width == 100


def test_a_child_that_somebody_else_kills_is_no_verdict(sandbox: Sandbox) -> None:
    sandbox.develop(jpeg())
    decoder = decoder_of(sandbox)
    outcome: list[BaseException] = []
    picture = slow()

    def work() -> None:
        try:
            sandbox.develop(picture)
        except SandboxLostError as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    eventually(decoder.children)
    decoder.children()[0].kill()
    thread.join(10)
    assert len(outcome) == 1
    assert sandbox.develop(jpeg(100, 100)).width == 100


def test_a_decoder_that_died_is_replaced(sandbox: Sandbox) -> None:
    sandbox.develop(jpeg())
    first = decoder_of(sandbox)
    first.kill()
    eventually(lambda: first.status() == psutil.STATUS_ZOMBIE)
    assert sandbox.develop(jpeg(100, 100)).width == 100
    assert decoder_of(sandbox).pid != first.pid


def test_a_forked_job_uses_the_decoder_its_worker_started(sandbox: Sandbox) -> None:
    """As RQ does it: the worker starts the decoder, each job is a fork."""
    sandbox.start()
    decoder = decoder_of(sandbox)
    job = os.fork()
    if job == 0:  # pragma: no cover - another process
        made = sandbox.develop(jpeg(100, 100))
        os._exit(0 if made.width == 100 and not psutil.Process().children() else 1)
    assert os.waitpid(job, 0)[1] == 0
    assert decoder.status() != psutil.STATUS_ZOMBIE


def test_the_decoder_has_none_of_the_workers_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WXAPI_TEST_SECRET", "hunter2")
    sandbox = Sandbox()
    sandbox.develop(jpeg())
    decoder = decoder_of(sandbox)
    assert "hunter2" not in str(decoder.environ())
    assert not decoder.net_connections("tcp")
    sandbox.close()


def test_the_decoder_ends_with_its_worker_even_a_killed_one() -> None:
    code = (
        "from tests.pictures import jpeg; from wxapi.photos.services.sandbox.client import shared; import time, psutil;"
        "shared().develop(jpeg()); print(psutil.Process().children()[0].pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        decoder = psutil.Process(int(worker.stdout.readline()))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        eventually(lambda: not decoder.is_running() or decoder.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_108_megapixels_stay_below_300_mb(tmp_path: Path) -> None:
    """Worker, decoder and child together, each at its peak."""
    path = tmp_path / "108.jpg"
    Image.effect_noise((1500, 1125), 60).resize((12000, 9000)).convert("RGB").save(path, "JPEG", quality=85)
    code = (
        "import resource, sys; from wxapi.photos.services.sandbox.client import Sandbox; sandbox = Sandbox();"
        "made = sandbox.develop(open(sys.argv[1], 'rb').read()); sandbox.close();"
        "peak = [line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0];"
        "print(made.width, peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    width, worker_kib, child_kib = map(int, done.stdout.split())
    assert width == 12000
    # The decoder process is no larger than its child.
    assert worker_kib + 2 * child_kib < 300 * 1024, (worker_kib, child_kib)


def test_a_message_without_a_status_is_told_apart() -> None:
    assert split_status(b"answer" + pack_status(9)) == (b"answer", 9)
    with pytest.raises(ValueError, match="no status"):
        split_status(b"abc")
