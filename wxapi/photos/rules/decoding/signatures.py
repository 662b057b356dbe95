"""What the first bytes of a file say it is. Pure; names and MIME types that a client sends are not believed."""

from enum import StrEnum


class PictureKind(StrEnum):
    """Formats we take, by the name Pillow gives their plugin, and two answers for the rest."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"
    HEIF = "HEIF"
    AVIF = "AVIF"
    OTHER_PICTURE = "other picture"
    UNKNOWN = "unknown"


# Enough for every signature below, and for an SVG behind an XML declaration and a comment.
HEAD_BYTES = 1024

_OTHER_PICTURES: tuple[bytes, ...] = (
    b"GIF87a",
    b"GIF89a",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
    b"8BPS",
    b"%!PS",
    b"\xc5\xd0\xd3\xc6",  # EPS with a DOS header
    b"\x00\x00\x01\x00",  # ICO
    b"\x00\x00\x00\x0cjP  ",  # JPEG 2000
    b"\xff\x4f\xff\x51",  # JPEG 2000 code stream
    b"\xff\x0a",  # JPEG XL code stream
    b"\x00\x00\x00\x0cJXL ",
    b"qoif",
    b"\x76\x2f\x31\x01",  # OpenEXR
    b"DDS ",
    b"FUJIFILMCCD-RAW",
)
# Brands of ISO/IEC 23008-12 (HEIF) and the AVIF specification. `mif1`, `msf1` only say "HEIF structure": the
# compatible brands tell which codec is inside.
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_STRUCTURE_BRANDS = {b"mif1", b"mif2", b"msf1"}


def sniff(head: bytes) -> PictureKind:
    """Tell the format by the first `HEAD_BYTES` bytes; never raises."""
    if head.startswith(b"\xff\xd8\xff"):
        return PictureKind.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PictureKind.PNG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return PictureKind.WEBP
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    if head.startswith(_OTHER_PICTURES) or _is_svg(head):
        return PictureKind.OTHER_PICTURE
    return PictureKind.UNKNOWN


def _sniff_brands(head: bytes) -> PictureKind:
    """Major brand first, then the compatible ones in the `ftyp` box."""
    major = head[8:12]
    end = min(int.from_bytes(head[:4], "big"), HEAD_BYTES, len(head))
    compatible = {head[at : at + 4] for at in range(16, end - 3, 4)}
    if major in _AVIF_BRANDS:
        return PictureKind.AVIF
    if major in _HEIC_BRANDS:
        return PictureKind.HEIF
    if major in _STRUCTURE_BRANDS:
        return PictureKind.AVIF if compatible & _AVIF_BRANDS else PictureKind.HEIF
    return PictureKind.OTHER_PICTURE if compatible & _STRUCTURE_BRANDS else PictureKind.UNKNOWN


def _is_svg(head: bytes) -> bool:
    text = head[:HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!--", b"<!doctype")) and b"<svg" in text)
