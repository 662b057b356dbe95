"""What stops the demo, as a sentence for the operator."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DemoError(Exception):
    """The demo cannot start or go on; the message says why and what to do. Shown without a traceback."""


@contextmanager
def disk_faults_named(folder: Path) -> Iterator[None]:
    """Turn what a disk refuses inside into a sentence about the folder.

    Raises:
        DemoError: the disk is full, the folder cannot be written or is no folder.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_FAULTS:
            raise
        raise DemoError(_DISK_FAULTS[error.errno].format(folder=folder)) from error


_ELSEWHERE = "or name another folder by WXAPI_DATA_DIR."
_DISK_FAULTS = {
    errno.ENOSPC: "The disk of {folder} is full. Make room, " + _ELSEWHERE,
    errno.EDQUOT: "The disk quota for {folder} is used up. Make room, " + _ELSEWHERE,
    errno.EACCES: "{folder} cannot be written by this user. Change its owner, " + _ELSEWHERE,
    errno.EPERM: "{folder} cannot be written by this user. Change its owner, " + _ELSEWHERE,
    errno.EROFS: "{folder} lies on a read-only disk. Mount it writable, " + _ELSEWHERE,
    errno.ENOENT: "{folder} cannot be made. Take another folder by WXAPI_DATA_DIR.",
    errno.ENOTDIR: "{folder} is not a folder. Move the file away, " + _ELSEWHERE,
    errno.EEXIST: "{folder} is not a folder. Move the file away, " + _ELSEWHERE,
    errno.ENAMETOOLONG: "The path {folder} is too long for this system. Take a shorter one by WXAPI_DATA_DIR.",
}
