"""Files: one object store, a local folder or S3 by setting, and signed addresses that need no header.

S3 signs for itself; for the local folder this module signs and `files` serves. Keys are random and never listed.
The signature is an HMAC of its own and not `itsdangerous`: that puts the moment of signing into what it signs, so that
an address would be another one each time it is shown and no phone could keep the picture.
"""

import errno
import hmac
import os
import resource
import tempfile
from binascii import b2a_base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import obstore
import structlog
from flask import Blueprint, Response, request
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from config import ConfigError, Secret
from wxapi.kernel.clock import Clock
from wxapi.kernel.errors import ForbiddenError, not_found, storage_unavailable
from wxapi.kernel.keyed_hash import KeyedHash
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import guard

if TYPE_CHECKING:
    from obstore.store import RetryConfig

log = structlog.get_logger(__name__)
# Key → an address that loads the object without a header.
Signer: TypeAlias = Callable[[str], str]
# A large file goes up in parts of 5 MB, the least that S3 takes: a dozen at once, as is usual, were 60 MB of memory.
_PARTS_AT_ONCE = 2
# A bucket that takes what is sent and answers nothing: by itself the client would hold its caller for three minutes.
# Given so, and not as `client_options`, it leaves what `AWS_*` say of the client; `AWS_TIMEOUT` may say another time.
S3_WAITS = {"connect_timeout": "5 s", "timeout": "20 s"}
_S3_AGAIN: "RetryConfig" = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}

SIGNED_FOR = timedelta(hours=2)
# Less room than this, in bytes, is reported: a dozen of the largest photos.
ROOM_NEEDED = 256 << 20
# The same address for a while, so that phones can cache a picture.
_WINDOW_S = 3600
# The letters of base64 that an address has others for.
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
# Where features put their files. Each may have an owner of its own, as after a backup was put back by root.
FOLDERS = ("exports", "photos", "scenes")
_TYPES = {
    ".jpg": "image/jpeg",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".csv": "text/csv; charset=utf-8",
    ".geojson": "application/geo+json",
}


class Storage:
    """Puts, gets and deletes objects by key, and makes addresses for them.

    Args:
        url: `file:///folder` or `s3://bucket/prefix` (credentials and endpoint by the usual `AWS_*` variables).
        public_url: where phones reach this API; base of the addresses of local files.
        signing_keys: the first signs, all verify.
    """

    def __init__(self, url: str, *, public_url: str, signing_keys: tuple[Secret, ...], clock: Clock) -> None:
        parts = urlsplit(url)
        self._store: LocalStore | S3Store
        self._folder: Path | None = None
        self._settles = True
        # Folders of the first level that are sure to be found again, by the number the machine gave each.
        self._named: dict[Path, int] = {}
        if parts.scheme == "file":
            self._folder = Path(parts.path)
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(f"The folder of STORAGE_URL cannot be made: {error.strerror}.") from error
            self._store = LocalStore(parts.path)
        else:
            self._store = _bucket(parts.netloc, parts.path.strip("/"))
        self._public_url = public_url
        self._seals = [KeyedHash(key.value) for key in signing_keys]
        self._clock = clock

    def put(self, key: str, data: bytes) -> None:
        """Store bytes under a key, replacing what is there; whole or not at all, and kept when this returns.

        Raises:
            UnavailableError: `storage_unavailable`, the store is full, read-only or away.
        """
        self._put(key, data)

    def put_file(self, key: str, path: Path) -> None:
        """As `put`, with the bytes of a file, without reading it into memory whole."""
        self._put(key, path)

    def _put(self, key: str, data: bytes | Path) -> None:
        try:
            obstore.put(self._store, key, data, max_concurrency=_PARTS_AT_ONCE)
            if self._folder is not None and self._settles:
                _settle(self._folder, key, self._named)
        except (OSError, BaseError) as error:
            log.error("storage_refused", key=key, reason=str(error))  # noqa: TRY400 - where it happened is no news
            raise storage_unavailable() from error

    @contextmanager
    def kept_together(self) -> Iterator[None]:
        """Keep many files at the end of the block, not one by one: for work that is done again when it is cut."""
        self._settles = False
        try:
            yield
        finally:
            self._settles = True
            os.sync()

    def get(self, key: str) -> bytes:
        """The bytes of a key.

        Raises:
            FileNotFoundError: nothing is stored there.
            UnavailableError: `storage_unavailable`, the store does not give it up.
        """
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except FileNotFoundError:
            raise
        except (OSError, BaseError) as error:
            log.error("storage_refused", key=key, reason=str(error))  # noqa: TRY400 - where it happened is no news
            raise storage_unavailable() from error

    def has(self, key: str) -> bool:
        """Whether something is stored under a key."""
        try:
            obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        return True

    def delete(self, *keys: str) -> None:
        """Delete keys, and a folder that this leaves empty; those that are gone already do not matter."""
        for key in keys:
            try:
                obstore.delete(self._store, key)
            except FileNotFoundError:
                continue
            if self._folder is not None and key.count("/") > 1:
                _remove_if_empty((self._folder / key).parent)

    def try_to_delete(self, key: str) -> None:
        """As `delete`, for who has left it to a job as well: trouble of the store is no news here."""
        with suppress(OSError, BaseError):
            self.delete(key)

    def stored_before(self, prefix: str, before: datetime) -> Iterator[str]:
        """The keys under a folder that were last written before a time of the machine's clock."""
        for batch in obstore.list(self._store, prefix):
            yield from (found["path"] for found in batch if found["last_modified"] < before)

    def remove_empty_folders(self, prefix: str, before: datetime) -> int:
        """Remove the folders in a folder that hold nothing and are older; returns how many. S3 has none."""
        place = self._folder / prefix if self._folder is not None else None
        if place is None or not place.is_dir():
            return 0
        old = (each for each in place.iterdir() if each.is_dir() and each.stat().st_mtime < before.timestamp())
        return sum(map(_remove_if_empty, old))

    def condition(self) -> str:
        """Whether files can be stored: `ok`, `full` (little room is left), `away` (it cannot be written to).

        A process that may write small files only (a quota, `ulimit -f`) is full, too.
        S3 is not asked: it would cost a request each time, and says it by itself when something is put.
        """
        if self._folder is None:
            return "ok"
        try:
            places = [self._folder, *(place for name in FOLDERS if (place := self._folder / name).exists())]
            for place in places:
                _try_out(place)
            room = min(each.f_bavail * each.f_frsize for each in map(os.statvfs, places))
        except OSError as error:
            return "full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "away"
        largest, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        small = largest != resource.RLIM_INFINITY and largest < ROOM_NEEDED
        return "full" if small or room < ROOM_NEEDED else "ok"

    def signed_url(self, key: str) -> str:
        """An address that loads the object without a header and dies after at most two hours."""
        return self.signer()(key)

    def signer(self) -> Signer:
        """`signed_url` of this moment, for an answer with many addresses: the clock is asked once."""
        store = self._store
        if isinstance(store, S3Store):
            return lambda key: obstore.sign(store, "GET", key, SIGNED_FOR)
        window = int(self._clock.now().timestamp()) // _WINDOW_S * _WINDOW_S
        expires = window + int(SIGNED_FOR.total_seconds())
        folder, seal = f"{self._public_url}/api/v1/files/", self._seals[0]
        return lambda key: f"{folder}{key}?expires={expires}&signature={_signature(seal, key, expires)}"

    def open_signed(self, key: str, expires: str, signature: str) -> bytes:
        """The bytes behind an address that `signed_url` made for the local folder.

        Raises:
            ForbiddenError: forged or expired.
            FileNotFoundError: the object is gone.
        """
        if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
            raise _bad_signature()
        given = signature.encode()
        good = any(hmac.compare_digest(_signature(seal, key, int(expires)).encode(), given) for seal in self._seals)
        if not good or int(expires) < self._clock.now().timestamp():
            raise _bad_signature()
        return self.get(key)


def _bucket(name: str, prefix: str) -> S3Store:
    waits: dict[str, Any] = {key: os.environ.get(f"AWS_{key.upper()}", usual) for key, usual in S3_WAITS.items()}
    return S3Store(name, prefix=prefix or None, retry_config=_S3_AGAIN, **waits)


def _settle(folder: Path, key: str, named: dict[Path, int]) -> None:
    """Flush a file that was just written, and the folders that name it; nobody but the owner reads them.

    Args:
        folder: the store's.
        key: of the file.
        named: folders that were flushed by name before: a folder of the first level stays, and each flush waits for
            the disk.
    """
    place = folder / key
    place.chmod(0o600)
    _flush(place)
    first = folder / key.partition("/")[0]
    while place not in {first, folder}:
        place = place.parent
        if named.get(place) != place.stat().st_ino:
            place.chmod(0o700)
        _flush(place)
    if named.get(first) != first.stat().st_ino:
        _flush(folder)
        if first.is_dir():
            named[first] = first.stat().st_ino


def _flush(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_if_empty(place: Path) -> bool:
    try:
        place.rmdir()
    except OSError:  # something is in it, or somebody was quicker
        return False
    return True


def _try_out(folder: Path) -> None:
    """Write a little, as a put would; raises `OSError`."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".try-") as file:
        file.write(b"can this be kept?")
        file.flush()
        os.fsync(file.fileno())


def _signature(seal: KeyedHash, key: str, expires: int) -> str:
    digest = seal.of(f"file\0{key}\0{expires}".encode())
    return b2a_base64(digest, newline=False).translate(_URL_SAFE, b"=").decode()


def _bad_signature() -> ForbiddenError:
    return ForbiddenError("link_expired", "链接已失效，请刷新页面。")


def files_blueprint(storage: Storage) -> Blueprint:
    """The route that serves the local folder's signed addresses; unused when the store is S3."""
    blueprint = Blueprint("files", __name__)

    @blueprint.get("/api/v1/files/<path:key>")
    @guard(Permission.PUBLIC)
    def serve(key: str) -> Response:
        try:
            data = storage.open_signed(key, request.args.get("expires", ""), request.args.get("signature", ""))
        except FileNotFoundError:
            raise not_found() from None
        kind = _TYPES.get(Path(key).suffix, "application/octet-stream")
        return Response(
            data,
            content_type=kind,
            headers={
                "Cache-Control": "private, max-age=3600",
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": "default-src 'none'; sandbox",
            },
        )

    return blueprint
