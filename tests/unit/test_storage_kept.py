"""The local store: what it says is kept is on the disk, for its owner only; one that cannot take it says so."""

import base64
import hmac
import os
import socket
import stat
import time
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

from config import Secret
from wxapi.kernel.clock import SystemClock
from wxapi.kernel.errors import UnavailableError
from wxapi.photos.models import original_key, variant_key
from wxapi.platform import storage
from wxapi.platform.storage import FOLDERS, Storage
from wxapi.scenes import services as scenes
from wxapi.supervision.services.exports import folder_of


def store_at(url: str) -> Storage:
    return Storage(url, public_url="http://localhost", signing_keys=(Secret(b"k" * 32),), clock=SystemClock())


def store_in(folder: Path) -> Storage:
    return store_at(f"file://{folder}")


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


@pytest.mark.parametrize("folder", ["exports", "photos", "scenes"])
def test_a_folder_of_the_store_that_takes_nothing_is_seen(tmp_path: Path, folder: str) -> None:
    """One put back by another owner refuses every file, whatever the store's own folder takes."""
    store = store_in(tmp_path)
    store.put(f"{folder}/1/file.jpg", b"picture")
    condition = store.condition()
    (tmp_path / folder).rename(tmp_path / "aside")
    (tmp_path / folder).write_bytes(b"a file where a folder should be")
    assert (condition, store.condition()) == (condition, "away")
    (tmp_path / folder).unlink()
    (tmp_path / "aside").rename(tmp_path / folder)
    assert store.condition() == condition
    assert list(tmp_path.rglob(".try-*")) == []


def test_a_file_that_the_store_does_not_give_up_is_unavailable(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    (tmp_path / "photos").write_bytes(b"a file where a folder should be")
    with pytest.raises(UnavailableError, match="storage_unavailable"):
        store.get("photos/1/large.jpg")
    with pytest.raises(FileNotFoundError):
        store.get("scenes/1.jpg")


def test_a_bucket_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes what is sent and answers nothing; each try begins with a connection of its own."""
    monkeypatch.setitem(storage.S3_WAITS, "timeout", "0.2 s")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "x")
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        store = store_at("s3://bucket/files")
        began = time.monotonic()
        for use in (lambda: store.put("photos/1/original", b"picture"), lambda: store.get("photos/1/original")):
            with pytest.raises(UnavailableError, match="storage_unavailable"):
                use()
        assert time.monotonic() - began < 10
        silent.settimeout(0)
        came = 0
        with suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                came += 1
    assert came == 2 * 3  # else it was refused before anybody was asked


def test_features_put_their_files_where_the_store_looks() -> None:
    some = uuid.uuid4()
    keys = (original_key(some), variant_key(some, "thumb"), folder_of(some), scenes.key_of("scene", b""))
    assert {key.partition("/")[0] for key in keys} == set(FOLDERS)


@pytest.mark.parametrize("length", [32, 64, 100])  # a block of the hash and more
def test_an_address_is_signed_as_any_hmac_would(tmp_path: Path, length: int) -> None:
    key = os.urandom(length)
    store = Storage(f"file://{tmp_path}", public_url="", signing_keys=(Secret(key),), clock=SystemClock())
    for name in ("photos/1/thumb.jpg", "exports/表.csv"):
        address, _, signature = store.signed_url(name).partition("&signature=")
        _, _, expires = address.partition("?expires=")
        made = hmac.digest(key, f"file\0{name}\0{expires}".encode(), "sha256")
        assert signature == base64.urlsafe_b64encode(made).decode().rstrip("=")
