"""From an uploaded original to three clean pictures. Pillow only; no web, no database, no clock.

The header is judged before anything is decoded, then the picture is decoded at the smallest sufficient scale,
resized once, converted to sRGB, turned upright last, and the smaller variants are cut from the larger. On a
12-megapixel phone JPEG that takes about a quarter of what open-transpose-thumbnail per size does
(`benchmarks/photos.py`).

Decoders are C code fed by strangers: call this through `services.sandbox.client.Sandbox`, which bounds time and memory.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pillow_heif
from PIL import AvifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from wxapi.photos.rules.decoding import boxes, colour, jpeg_scans, png_chunks
from wxapi.photos.rules.decoding.signatures import HEAD_BYTES, PictureKind, sniff
from wxapi.photos.rules.photos import (
    MAX_FRAMES,
    MAX_LARGE_BYTES,
    MAX_PIXELS_SCALED,
    MAX_PIXELS_WHOLE,
    Developed,
    RejectedError,
    RejectionCode,
    Variant,
    check_size,
    fit,
    large_size,
    medium_size,
    thumb_edge,
    working_size,
)

JPEG_QUALITY = 82
_ORIENTATION = 0x0112
# EXIF 2.32, tag 0x0112: how the stored picture must be moved to stand upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_ITS_SIDE = (5, 6, 7, 8)

# The plugins are imported by name (nothing is searched for at run time); one thread a decoder, because the
# worker's parallelism is its number of processes, and each thread would add to the memory we bound.
_PLUGINS = (AvifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin)
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


def develop(data: bytes) -> Developed:
    """Make the variants of an original file.

    Returns: large, medium and thumb as baseline JPEG, and the upright original's size in pixels.
    Raises: RejectedError with the code of the first rule the file breaks.
    """
    kind = _acceptable_kind(data)
    picture = _judged(data, kind)
    with _opened(picture, kind) as image:
        stored = image.size
        turn = 1 if kind is PictureKind.HEIF else _orientation(image)  # libheif has already turned it (irot, imir)
        work = _decoded(image, kind, picture)
    return _developed(work, stored, turn)


def _acceptable_kind(data: bytes) -> PictureKind:
    if not data:
        raise RejectedError(RejectionCode.EMPTY_FILE)
    kind = sniff(data[:HEAD_BYTES])
    if kind in (PictureKind.UNKNOWN, PictureKind.OTHER_PICTURE):
        raise RejectedError(RejectionCode.UNSUPPORTED_FORMAT)
    return kind


def _judged(data: bytes, kind: PictureKind) -> bytes:
    """Judge the header and the container; returns the bytes the decoder may see."""
    if kind is PictureKind.JPEG:
        return jpeg_scans.judged(data)
    if kind is PictureKind.PNG:
        return _judge_png(data)
    if kind is PictureKind.WEBP:
        _judge_webp(data)
    elif not boxes.is_complete(data):
        raise RejectedError(RejectionCode.TRUNCATED)
    elif boxes.is_sequence(data):
        raise RejectedError(RejectionCode.TOO_MANY_FRAMES)
    elif (extent := boxes.largest_extent(data)) != (0, 0):
        check_size(*extent, max_pixels=MAX_PIXELS_WHOLE)
    return data


def _judge_png(data: bytes) -> bytes:
    facts = png_chunks.read(data)
    check_size(facts.width, facts.height, max_pixels=MAX_PIXELS_WHOLE)
    if facts.frames > 1:
        raise RejectedError(RejectionCode.TOO_MANY_FRAMES)
    return facts.picture


def _judge_webp(data: bytes) -> None:
    facts = boxes.read_webp(data)
    if not facts.complete:
        raise RejectedError(RejectionCode.TRUNCATED)
    check_size(facts.width, facts.height, max_pixels=MAX_PIXELS_WHOLE)
    if facts.frames > MAX_FRAMES:
        raise RejectedError(RejectionCode.TOO_MANY_FRAMES)


@contextmanager
def _opened(data: bytes, kind: PictureKind) -> Iterator[Image.Image]:
    """Open with one plugin only, and turn whatever a decoder raises into a rejection.

    `formats` keeps Pillow from trying others (a renamed EPS would start Ghostscript). MPO is not in it: Pillow's
    JPEG plugin returns one by itself for a phone's JPEG that carries a second picture.
    """
    try:
        with warnings.catch_warnings():
            # Pillow only warns at sizes that were judged above, and of MPO indexes that we do not use.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=[kind.value]) as image:
                _judge_opened(image, kind)
                yield image
    except RejectedError:
        raise
    except Exception as error:  # decoders raise nearly anything; a file that cannot be read is the file's fault
        cut_off = "truncated" in str(error).lower()
        raise RejectedError(RejectionCode.TRUNCATED if cut_off else RejectionCode.CORRUPT) from error


def _judge_opened(image: Image.Image, kind: PictureKind) -> None:
    """Check the size and frames as the plugin reads them: a file may show our parser and the plugin different ones."""
    limit = MAX_PIXELS_SCALED if kind is PictureKind.JPEG else MAX_PIXELS_WHOLE
    check_size(*image.size, max_pixels=limit)
    frames = getattr(image, "n_frames", 1)
    # The contract takes the first frame of an animated WebP; a HEIF collection has a primary picture.
    if frames > (1 if kind is PictureKind.AVIF else MAX_FRAMES):
        raise RejectedError(RejectionCode.TOO_MANY_FRAMES)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1–8; 1 where there is none, or none that makes sense."""
    try:
        value: Any = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - EXIF is free-form bytes; a broken one costs a photo nothing but its turn
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def _decoded(image: Image.Image, kind: PictureKind, picture: bytes) -> Image.Image:
    """Decode, no smaller than the working size and not much larger: RGB in sRGB, not yet turned."""
    wanted = working_size(*image.size)
    profile = image.info.get("icc_profile")
    if kind is PictureKind.JPEG:
        # With the exact aspect: asked for a square, the decoder finds no scale that fits.
        drafted = image.draft(None, wanted)
        box = drafted[1] if drafted else None
        jpeg_scans.load(image, picture, wanted)
    else:
        image.load()
        factor = min(image.width // wanted[0], image.height // wanted[1])
        box = (0, 0, image.width / factor, image.height / factor)
        image = colour.flatten(image, factor)
    if image.size != wanted:
        image = image.resize(wanted, Image.Resampling.BICUBIC, box=box)
    return colour.to_srgb(image, profile)


def _developed(work: Image.Image, stored: tuple[int, int], turn: int) -> Developed:
    """Turn upright, cut the variants, each from the one before."""
    width, height = stored[::-1] if turn in _ON_ITS_SIDE else stored
    upright = work.transpose(_UPRIGHT[turn]) if turn in _UPRIGHT else work
    large = _resized(upright, large_size(width, height))
    medium = _reduced(large, medium_size(width, height))
    edge = thumb_edge(width, height)
    source = next(each for each in (medium, large, upright) if min(each.size) >= edge)
    pictures = {"large": large, "medium": medium, "thumb": _square(source, edge)}
    return Developed(width, height, tuple(_bounded(name, each) for name, each in pictures.items()))


def _bounded(name: str, image: Image.Image) -> Variant:
    """Encoded, and made smaller until it is no larger than a phone should load."""
    made = _encoded(name, image)
    while len(made.data) > MAX_LARGE_BYTES:
        made = _encoded(name, _resized(image, fit(*image.size, max(made.width, made.height) * 7 // 8)))
    return made


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.BICUBIC)


def _reduced(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Whole pixels are averaged as far as that goes; what it blurs, the sharper filter makes up for, at less cost."""
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=1.0)


def _square(image: Image.Image, edge: int) -> Image.Image:
    """The middle square, `edge` pixels wide."""
    short = min(image.size)
    left, top = (image.width - short) / 2, (image.height - short) / 2
    box = (left, top, left + short, top + short)
    return image.resize((edge, edge), Image.Resampling.BICUBIC, box=box)


def _encoded(name: str, image: Image.Image) -> Variant:
    """Baseline JPEG; Pillow copies comments and profiles out of `info`, so that goes first."""
    image.info = {}
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return Variant(name, image.width, image.height, buffer.getvalue())
