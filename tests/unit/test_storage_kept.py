"""The local store: what it says is kept is on the disk, for its owner only; one that cannot take it says so."""

import os
import stat
from pathlib import Path

import pytest

from config import Secret
from wxapi.kernel.clock import SystemClock
from wxapi.kernel.errors import UnavailableError
from wxapi.platform.storage import Storage


def store_in(folder: Path) -> Storage:
    return Storage(
        f"file://{folder}", public_url="http://localhost", signing_keys=(Secret(b"k" * 32),), clock=SystemClock()
    )


def test_the_file_and_its_folders_are_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        flushed.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    store = store_in(tmp_path)
    store.put("photos/1/large.jpg", b"picture")
    places = ("photos/1/large.jpg", "photos/1", "photos")
    assert flushed == [*(str(tmp_path / place) for place in places), str(tmp_path)]
    modes = [stat.S_IMODE((tmp_path / place).stat().st_mode) for place in places]
    assert modes == [0o600, 0o700, 0o700]
    flushed.clear()
    store.put("photos/2/large.jpg", b"picture")  # the store's own folder names what it named before
    assert flushed == [str(tmp_path / place) for place in ("photos/2/large.jpg", "photos/2", "photos")]
    (tmp_path / "photos").rename(tmp_path / "elsewhere")
    flushed.clear()
    store.put("photos/3/large.jpg", b"picture")
    assert flushed[-1] == str(tmp_path)
    flushed.clear()
    store.put("alone", b"nothing is above it but the store")
    assert flushed == [str(tmp_path / "alone"), str(tmp_path)]


def test_a_store_that_takes_nothing_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "photos").write_bytes(b"a file where a folder should be")
    with pytest.raises(UnavailableError) as refused:
        store_in(tmp_path).put("photos/1/large.jpg", b"picture")
    assert (refused.value.code, refused.value.retry_after > 0) == ("storage_unavailable", True)
