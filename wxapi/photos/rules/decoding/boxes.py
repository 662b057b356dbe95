"""Outer structure of WebP (RIFF) and HEIF/AVIF (ISO base media) files, without decoding. Pure, never raises.

Decoders are lenient about a file that ends early: some fill with grey, some with the part that came. The
containers say how long they are, so a cut-off upload shows here.
"""

import struct
from dataclasses import dataclass

# Top-level boxes that carry a picture. Anything else at the end of a file is somebody's trailer and not ours.
_PICTURE_BOXES = {b"ftyp", b"meta", b"mdat", b"moov", b"idat"}
_SEQUENCE_BRANDS = {b"msf1", b"hevc", b"hevx", b"hevm", b"hevs"}
_MAX_BOXES = 1_000
# ISO/IEC 23008-12, 6.5.3: version and flags, then width and height.
_EXTENT = b"\x00\x00\x00\x14ispe"
_ANIMATED = 0x02  # VP8X flag
_MAX_WEBP_CHUNKS = 10_000


@dataclass(frozen=True, slots=True)
class WebpFacts:
    """Canvas size in pixels (0 where the header is not understood), pictures inside, and whether all bytes came."""

    width: int
    height: int
    frames: int
    complete: bool


def read_webp(data: bytes) -> WebpFacts:
    """Size from the first chunk (VP8, VP8L or VP8X), frames by counting ANMF chunks."""
    (riff_bytes,) = struct.unpack_from("<I", data.ljust(8, b"\x00"), 4)
    width, height = _webp_size(data)
    animated = data[12:16] == b"VP8X" and len(data) > 20 and bool(data[20] & _ANIMATED)
    frames = _count_frames(data) if animated else 1
    return WebpFacts(width, height, frames, complete=len(data) >= riff_bytes + 8)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height by the RIFF container specification; (0, 0) when the header is not one of the three."""
    chunk = data[12:16]
    if len(data) < 30:
        return 0, 0
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if chunk == b"VP8L" and data[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if chunk == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return 0, 0


def _count_frames(data: bytes) -> int:
    """ANMF chunks, walked by their lengths (each padded to an even number of bytes)."""
    frames = 0
    at = 12
    for _ in range(_MAX_WEBP_CHUNKS):
        if at + 8 > len(data):
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        frames += kind == b"ANMF"
        at += 8 + length + (length & 1)
    return frames


def is_complete(data: bytes) -> bool:
    """Whether every picture box of an ISO base media file lies inside the file, with its `meta` or `moov`."""
    at = 0
    described = False
    for _ in range(_MAX_BOXES):
        if at + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind not in _PICTURE_BOXES and not kind.isalnum():
            break
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        elif length == 0:  # "to the end of the file"
            length = len(data) - at
        if at + length > len(data):
            return kind not in _PICTURE_BOXES and described
        described = described or kind in (b"meta", b"moov")
        at += max(length, 8)
    return described


def largest_extent(data: bytes) -> tuple[int, int]:
    """The largest size that a HEIF or AVIF still says any of its pictures has; (0, 0) where it says none.

    A phone's picture is a grid of tiles: the largest is the whole.
    """
    extents = [(0, 0)]
    at = data.find(_EXTENT)
    for _ in range(_MAX_BOXES):
        if at < 0 or at + len(_EXTENT) + 12 > len(data):
            break
        extents.append(struct.unpack_from(">II", data, at + len(_EXTENT) + 4))
        at = data.find(_EXTENT, at + 1)
    return max(extents, key=lambda size: size[0] * size[1])


def is_sequence(data: bytes) -> bool:
    """Whether the major brand of a HEIF file says that it is a film of pictures rather than a still."""
    return data[8:12] in _SEQUENCE_BRANDS
