"""The photo store is full, read-only or gone: 503 and when to come again, the log and `/readyz` say why, and it heals."""

import io
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import requests
from PIL import Image

from tests.fake_wechat_control import FakeControl
from tests.faults.api_process import log_in, serve
from tests.faults.conftest import Bench
from tests.pictures import encoded
from tests.processes import Program
from wxapi.platform.storage import ROOM_NEEDED

pytestmark = pytest.mark.processes

PICTURE = encoded(Image.effect_noise((900, 700), 90).convert("RGB"), "JPEG", quality=95)
# So large that the server keeps it in a file of its own on its way, which no quota lets it.
LARGE = encoded(Image.effect_noise((1600, 1200), 90).convert("RGB"), "JPEG", quality=95)
# A little more than `/readyz` wants to see free, so that it is `ok` to begin with.
VOLUME = ROOM_NEEDED + (8 << 20)


class Phone:
    """Somebody who uploads photos."""

    def __init__(self, url: str, fake: FakeControl) -> None:
        self.url = url
        self._headers = {"Authorization": f"Bearer {log_in(url, fake, 'o-store').json()['access_token']}"}

    def upload(self, key: str | None = None, picture: bytes = PICTURE) -> requests.Response:
        headers = self._headers | {"Idempotency-Key": key or uuid.uuid4().hex}
        files = {"file": ("photo.jpg", io.BytesIO(picture))}
        return requests.post(f"{self.url}/api/v1/photos", files=files, headers=headers, timeout=60)

    def knows_itself(self) -> bool:
        return requests.get(f"{self.url}/api/v1/me", headers=self._headers, timeout=20).status_code == 200

    def storage(self) -> str:
        return str(requests.get(f"{self.url}/readyz", timeout=20).json()["storage"])


@contextmanager
def gone(folder: Path, _api: Program) -> Iterator[None]:
    """Something else lies where the folder was."""
    aside = folder.with_suffix(".aside")
    folder.rename(aside)
    folder.write_bytes(b"no folder")
    yield
    folder.unlink()
    aside.rename(folder)


@contextmanager
def no_large_file(_folder: Path, api: Program) -> Iterator[None]:
    """As a quota does: small files are taken, and this photo is not."""
    limits = {process: process.rlimit(psutil.RLIMIT_FSIZE) for process in api.family()}
    for process, (_, hard) in limits.items():
        process.rlimit(psutil.RLIMIT_FSIZE, (len(PICTURE) // 2, hard))
    yield
    for process, limit in limits.items():
        process.rlimit(psutil.RLIMIT_FSIZE, limit)


@contextmanager
def full(folder: Path, _api: Program) -> Iterator[None]:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1 << 20)) == 1 << 20:
            pass
    with filler.open("r+b") as file:
        file.truncate(filler.stat().st_size - len(PICTURE) // 2)
    yield
    filler.unlink()


@contextmanager
def read_only(folder: Path, _api: Program) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    yield
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own."""
    folder = tmp_path / "volume"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={VOLUME}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("Nothing may be mounted here.")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


Trouble = Callable[[Path, Program], "Iterator[None]"]


def try_out(bench: Bench, fake: FakeControl, folder: Path, troubles: dict[str, tuple[Trouble, str]]) -> None:
    """Each trouble (told by what the log says of it) with what `/readyz` says during it."""
    bench.config = replace(bench.config, storage_url=f"file://{folder}")
    url, api = serve(bench, fake)
    phone = Phone(url, fake)
    assert (phone.upload().status_code, phone.storage()) == (201, "ok")
    for reason, (trouble, seen) in troubles.items():
        key = uuid.uuid4().hex
        with trouble(folder, api):  # type: ignore[attr-defined]  # contextmanager made it one
            for refused in (phone.upload(key), phone.upload(picture=LARGE)):
                assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable"), refused.text
                assert int(refused.headers["Retry-After"]) > 0
                assert refused.headers["Content-Type"] == "application/problem+json"
            assert phone.storage() == seen, reason
            # What needs no file goes on.
            assert phone.knows_itself()
        said = [each["reason"] for each in api.events("storage_refused")]
        assert any(reason in each for each in said), said
        # The same request, as a phone repeats it, is done now: a refusal keeps no key.
        again = phone.upload(key)
        assert (again.status_code, again.headers.get("Idempotency-Replayed"), phone.storage()) == (201, None, "ok")
    assert not api.events("unexpected_error")
    stored = bench.sql("SELECT id::text FROM photos")
    assert len(stored) == 1 + len(troubles)
    # Nothing half-written is left, and all that was acknowledged is there.
    files = {place.relative_to(folder).as_posix() for place in folder.rglob("*") if place.is_file()}
    assert files == {f"photos/{photo_id}/original" for photo_id in stored}


def test_a_store_that_is_gone_or_takes_no_large_file(bench: Bench, fake: FakeControl, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    try_out(bench, fake, folder, {"Not a directory": (gone, "away"), "File too large": (no_large_file, "full")})


def test_a_store_that_is_full_or_read_only(bench: Bench, fake: FakeControl, volume: Path) -> None:
    try_out(bench, fake, volume, {"No space left": (full, "full"), "Read-only file system": (read_only, "away")})
