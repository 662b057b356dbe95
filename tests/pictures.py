"""Pictures for tests, made in code: ordinary ones by Pillow, odd ones by surgery on their bytes."""

import io
import struct
import zlib
from typing import Any

import pillow_heif
from PIL import Image, ImageDraw

pillow_heif.register_heif_opener()

ORIENTATION = 0x0112
# Corners of `scene`, upright: top left, top right, bottom left, bottom right.
CORNERS = ((220, 30, 30), (30, 200, 30), (30, 30, 220), (230, 210, 40))


def scene(width: int, height: int) -> Image.Image:
    """Four plain quarters, so that any turn or mirror shows."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for index, colour in enumerate(CORNERS):
        left, top = (index % 2) * width // 2, (index // 2) * height // 2
        draw.rectangle((left, top, left + width // 2, top + height // 2), fill=colour)
    return image


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def jpeg(width: int = 320, height: int = 240, **options: Any) -> bytes:
    return encoded(scene(width, height), "JPEG", **{"quality": 90, **options})


def png(width: int = 320, height: int = 240, **options: Any) -> bytes:
    return encoded(scene(width, height), "PNG", **options)


def exif(orientation: object = 1) -> Image.Exif:
    """EXIF as a phone writes it: maker, place, orientation."""
    made = Image.Exif()
    made[0x010F] = "SecretPhoneMaker"
    if orientation is not None:
        made[ORIENTATION] = orientation
    gps = made.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (30.0, 20.0, 11.0), "E", (112.0, 14.0, 27.0)
    return made


def stored_turned(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as a camera stores it, so that `orientation` makes it upright again."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return image.transpose(undo[orientation]) if orientation in undo else image


def jpeg_claiming(width: int, height: int, data: bytes | None = None) -> bytes:
    """A small JPEG whose start-of-frame segment tells another size."""
    data = bytearray(data or jpeg(64, 64))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def heif_claiming(form: str, width: int, height: int) -> bytes:
    """A small HEIF or AVIF whose header tells another size."""
    data = bytearray(encoded(scene(96, 64), form))
    at = data.index(b"ispe")
    data[at + 8 : at + 16] = struct.pack(">II", width, height)
    return bytes(data)


def jpeg_with_scans(count: int, width: int = 64, height: int = 64) -> bytes:
    """A progressive JPEG whose last scan is repeated until there are `count`."""
    data = jpeg(width, height, progressive=True)
    starts = [at for at in range(len(data) - 1) if data[at : at + 2] == b"\xff\xda"]
    last, end = starts[-1], data.rindex(b"\xff\xd9")
    return data[:end] + data[last:end] * (count - len(starts)) + data[end:]


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(chunk: bytes, data: bytes | None = None) -> bytes:
    """A PNG with a further chunk behind its header."""
    data = data or png(64, 64)
    return data[:33] + chunk + data[33:]


def png_16_bit_grey(width: int, height: int, value: int) -> bytes:
    """A plain 16-bit grey PNG."""
    row = b"\x00" + struct.pack(">H", value) * width
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0))
        + png_chunk(b"IDAT", zlib.compress(row * height))
        + png_chunk(b"IEND", b"")
    )


def png_claiming(width: int, height: int) -> bytes:
    """A PNG that tells another size, with a right checksum."""
    data = png(64, 64)
    return data[:8] + png_chunk(b"IHDR", struct.pack(">II", width, height) + data[24:29]) + data[33:]
