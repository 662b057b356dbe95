"""Read a PNG's chunks, and keep only those that make the picture (PNG, third edition). Pure.

Text, time and private chunks never reach the decoder: they are where decompression bombs hide (zTXt, iTXt,
iCCP) and nothing of them survives into a variant anyway.
"""

import struct
import zlib
from dataclasses import dataclass

from wxapi.photos.rules.photos import RejectedError, RejectionCode

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_KEPT = _CRITICAL | {b"tRNS", b"iCCP", b"eXIf"}
_MAX_CHUNKS = 50_000  # libpng writes 8 KiB of data a chunk: 20 MiB are 2,560
_MAX_PROFILE = 1 << 20
_MAX_EXIF = 1 << 16


@dataclass(frozen=True, slots=True)
class PngFacts:
    """Size in pixels, number of pictures, and the file with everything but the picture left out."""

    width: int
    height: int
    frames: int
    picture: bytes


def read(data: bytes) -> PngFacts:
    """Walk the chunks; raises `RejectedError` (truncated, corrupt)."""
    width = height = 0
    frames = 1
    kept = [SIGNATURE]
    at = len(SIGNATURE)
    for number in range(_MAX_CHUNKS):
        kind, body, end = _chunk(data, at)
        if (number == 0) != (kind == b"IHDR"):
            raise RejectedError(RejectionCode.CORRUPT)
        if kind == b"IHDR":
            width, height = _dimensions(body)
        elif kind == b"acTL" and len(body) == 8:
            frames = struct.unpack(">I", body[:4])[0]
        if _belongs(data, kind, body, end):
            kept.append(data[at:end])
        if kind == b"IEND":
            return PngFacts(width, height, frames, b"".join(kept))
        at = end
    raise RejectedError(RejectionCode.CORRUPT)


def _chunk(data: bytes, at: int) -> tuple[bytes, memoryview, int]:
    """Type, body and end of the chunk at `at`; a chunk that runs past the end means a cut-off file."""
    if at + 12 > len(data):
        raise RejectedError(RejectionCode.TRUNCATED)
    length, kind = struct.unpack_from(">I4s", data, at)
    end = at + 12 + length
    if end > len(data):
        raise RejectedError(RejectionCode.TRUNCATED)
    return kind, memoryview(data)[at + 8 : end - 4], end


def _dimensions(body: memoryview) -> tuple[int, int]:
    if len(body) != 13:
        raise RejectedError(RejectionCode.CORRUPT)
    width, height = struct.unpack_from(">II", body)
    return width, height


def _belongs(data: bytes, kind: bytes, body: memoryview, end: int) -> bool:
    """Whether a chunk goes to the decoder. A damaged critical chunk refuses the file, a damaged other is dropped."""
    if kind not in _KEPT:
        return False
    (crc,) = struct.unpack_from(">I", data, end - 4)
    intact = zlib.crc32(body, zlib.crc32(kind)) == crc
    if kind in _CRITICAL:
        if not intact:
            raise RejectedError(RejectionCode.CORRUPT)
        return True
    return intact and (kind != b"iCCP" or _sane_profile(body)) and (kind != b"eXIf" or len(body) <= _MAX_EXIF)


def _sane_profile(body: memoryview) -> bool:
    """An iCCP chunk: name, NUL, method 0, deflated profile. Inflated only as far as a profile may be long."""
    name, _, packed = bytes(body).partition(b"\x00")
    if not name or not packed:
        return False
    inflate = zlib.decompressobj()
    try:
        inflate.decompress(packed[1:], _MAX_PROFILE)
    except zlib.error:
        return False
    return inflate.eof
