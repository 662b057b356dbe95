"""What a photo must be, what is made of it, and what we say when it is refused. Pure.

Limits and sizes are the contract's (`docs/photos.md`). A picture is judged by its header before anything is
decoded, so every rule here works on numbers a header tells.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS_SCALED = 120_000_000  # JPEG: the decoder scales while it decodes
MAX_PIXELS_WHOLE = 60_000_000  # the other formats are in memory whole before they can be made smaller
MIN_SHORT_EDGE = 64
MAX_ASPECT = 20
MAX_SCANS = 100
MAX_FRAMES = 100

LARGE_EDGE = 1600
MEDIUM_EDGE = 640
THUMB_EDGE = 160
# Of a picture longer than 3:1 (a long screenshot) the short edge counts, so that its text stays readable.
LONG_ASPECT = 3
LARGE_SHORT_EDGE = 640
MEDIUM_SHORT_EDGE = 320
LONGEST_EDGE = 12_000
MAX_LARGE_BYTES = 3 << 20
VARIANT_NAMES = ("large", "medium", "thumb")

# A photo that no report took within this time is forgotten.
UNUSED_AFTER = timedelta(hours=48)
# Longer than the queue of photos is at a bad hour: a photo that still waits has lost its job.
WAITS_AT_MOST = timedelta(hours=1)
# A file without a row, and a row without a file, are given up after this.
STRAY_AFTER = timedelta(days=1)
# Photos a person may have uploaded and not used: nobody photographs that much, but somebody may want the disk full.
MAX_UNUSED = 1_000


class PhotoState(StrEnum):
    """Where a photo is between upload and use."""

    PENDING = "pending"
    READY = "ready"
    REJECTED = "rejected"


PHOTO_WORDS = {PhotoState.PENDING: "处理中", PhotoState.READY: "可用", PhotoState.REJECTED: "不能使用"}


class RejectionCode(StrEnum):
    """Why a photo was refused; part of the contract."""

    EMPTY_FILE = "empty_file"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TRUNCATED = "truncated"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    TOO_NARROW = "too_narrow"
    TOO_MANY_FRAMES = "too_many_frames"
    TOO_MANY_SCANS = "too_many_scans"
    CORRUPT = "corrupt"


REJECTION_DETAILS: dict[RejectionCode, str] = {
    RejectionCode.EMPTY_FILE: "照片文件是空的，请重新选择或重新拍摄。",
    RejectionCode.UNSUPPORTED_FORMAT: "不支持这种文件格式，请上传 JPEG、PNG、WebP、HEIC 或 AVIF 照片。",
    RejectionCode.TRUNCATED: "照片文件不完整，可能是传输中断，请重新上传。",
    RejectionCode.TOO_MANY_PIXELS: "照片像素过大（JPEG 不超过 1.2 亿，其他格式不超过 6000 万），请缩小后再上传。",
    RejectionCode.TOO_SMALL: "照片太小，短边至少需要 64 像素，请重新拍摄。",
    RejectionCode.TOO_NARROW: "照片过于狭长，长宽比不能超过 20:1，请裁剪后再上传。",
    RejectionCode.TOO_MANY_FRAMES: "这是动图或多张图片，请上传单张照片。",
    RejectionCode.TOO_MANY_SCANS: "照片的编码方式过于复杂，无法处理，请重新拍摄或另存后再上传。",
    RejectionCode.CORRUPT: "照片文件已损坏，无法读取，请重新拍摄或换一张。",
}


class RejectedError(Exception):
    """The picture is refused; `code` says why."""

    def __init__(self, code: RejectionCode) -> None:
        super().__init__(code.value)
        self.code = code


@dataclass(frozen=True, slots=True)
class Variant:
    """One picture made of the original: baseline JPEG, sRGB, upright, no metadata; sizes in pixels."""

    name: str
    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Developed:
    """What the decoder made of an original. `width`, `height` are of the upright original, in pixels."""

    width: int
    height: int
    variants: tuple[Variant, ...]


def check_size(width: int, height: int, *, max_pixels: int) -> None:
    """Judge a picture by its dimensions in pixels; raises `RejectedError`."""
    if width < 1 or height < 1:
        raise RejectedError(RejectionCode.CORRUPT)
    if width * height > max_pixels:
        raise RejectedError(RejectionCode.TOO_MANY_PIXELS)
    if min(width, height) < MIN_SHORT_EDGE:
        raise RejectedError(RejectionCode.TOO_SMALL)
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise RejectedError(RejectionCode.TOO_NARROW)


def variant_size(width: int, height: int, *, long_edge: int, short_edge: int) -> tuple[int, int]:
    """The size of a variant: by its long edge, or by its short edge where the picture is long; never enlarged."""
    longest, short = max(width, height), min(width, height)
    if longest <= LONG_ASPECT * short:
        return fit(width, height, long_edge)
    return fit(width, height, min(LONGEST_EDGE, max(long_edge, longest * short_edge // short)))


def large_size(width: int, height: int) -> tuple[int, int]:
    """Size of the large variant, in pixels."""
    return variant_size(width, height, long_edge=LARGE_EDGE, short_edge=LARGE_SHORT_EDGE)


def medium_size(width: int, height: int) -> tuple[int, int]:
    """Size of the medium variant, in pixels."""
    return variant_size(width, height, long_edge=MEDIUM_EDGE, short_edge=MEDIUM_SHORT_EDGE)


def fit(width: int, height: int, long_edge: int) -> tuple[int, int]:
    """The size with the same aspect whose long edge is at most `long_edge`; never larger than the source."""
    longest = max(width, height)
    if longest <= long_edge:
        return width, height
    return max(1, round(width * long_edge / longest)), max(1, round(height * long_edge / longest))


def working_size(width: int, height: int) -> tuple[int, int]:
    """The smallest size from which every variant can be cut without enlarging.

    That is the large variant's; its short edge is enough for the thumb.
    """
    large = large_size(width, height)
    short = min(width, height)
    wanted = min(THUMB_EDGE, short)
    if min(large) >= wanted:
        return large
    return max(1, round(width * wanted / short)), max(1, round(height * wanted / short))


def thumb_edge(width: int, height: int) -> int:
    """Edge of the square thumb: 160, or the source's short edge where that is less (never enlarged)."""
    return min(THUMB_EDGE, width, height)
