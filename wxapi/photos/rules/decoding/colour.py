"""Pixels of any mode to 8-bit sRGB on white. Pillow only; no web, no database.

Pillow by itself clips 16-bit grey to white, drops a Display-P3 profile without converting, and leaves
transparent pixels whatever colour hides below them.
"""

import io
from collections.abc import Callable

from PIL import Image, ImageCms

# A phone's profile has some hundred bytes, a printer's up to two megabytes.
_MAX_PROFILE = 4 << 20
_SRGB_NAMES = ("sRGB IEC61966-2.1", "sRGB IEC61966-2-1", "sRGB built-in")
# Rows of output made at a time: bounds what converting a 60-megapixel picture adds to its memory.
_BAND_ROWS = 64
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_WIDE_GREY = ("I;16", "I;16B", "I;16L", "I;16N", "I")


def flatten(image: Image.Image, factor: int) -> Image.Image:
    """A decoded picture as L or RGB, transparency on white, each edge divided by `factor` (rounded up).

    What has to be converted is so in bands of rows: besides the decoded picture only the small result is in memory.
    """
    mode = _flat_mode(image)
    if image.mode == mode and not image.has_transparency_data:
        return image if factor == 1 else image.reduce(factor)
    convert = _converter(image, mode)
    width, height = image.size
    flat = Image.new(mode, (-(-width // factor), -(-height // factor)))
    for top in range(0, height, _BAND_ROWS * factor):
        band = convert(image.crop((0, top, width, min(top + _BAND_ROWS * factor, height))))
        flat.paste(band.reduce(factor), (0, top // factor))
    return flat


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """An L, RGB or CMYK picture as RGB in sRGB. A profile that is broken or does not fit is passed over."""
    converted = _by_profile(image, profile) if profile and len(profile) <= _MAX_PROFILE else None
    if converted is not None:
        return converted
    return image if image.mode == "RGB" else image.convert("RGB")  # converting to the same mode copies


def _flat_mode(image: Image.Image) -> str:
    if image.has_transparency_data:
        return "RGB"
    return "L" if image.mode in ("1", "L", *_WIDE_GREY) else "RGB"


def _converter(image: Image.Image, mode: str) -> Callable[[Image.Image], Image.Image]:
    if image.mode in _WIDE_GREY:
        return _narrow_grey
    if image.has_transparency_data:
        return _on_white
    return lambda band: band.convert(mode)


def _narrow_grey(band: Image.Image) -> Image.Image:
    """16-bit grey to 8 bits: 65535 becomes 255 (Pillow's own conversion makes everything above 255 white)."""
    return band.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")


def _on_white(band: Image.Image) -> Image.Image:
    rgba = band.convert("RGBA")
    white = Image.new("RGB", band.size, (255, 255, 255))
    white.paste(rgba, mask=rgba.getchannel("A"))
    return white


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Convert through the embedded profile; None where it is sRGB already, or of no use."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if ImageCms.getProfileDescription(source).strip() in _SRGB_NAMES:
            return None
        return ImageCms.profileToProfile(
            image, source, _SRGB, renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
