"""What comes out of an ordinary picture: sizes, uprightness, colour, and nothing of where it was taken."""

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from tests.pictures import (
    CORNERS,
    ORIENTATION,
    encoded,
    exif,
    jpeg,
    jpeg_with_scans,
    png,
    png_16_bit_grey,
    scene,
    stored_turned,
)
from tests.tries import tries
from wxapi.photos.rules.decoding.imaging import develop
from wxapi.photos.rules.decoding.jpeg_markers import walk
from wxapi.photos.rules.photos import Developed, fit, thumb_edge, working_size

# Baseline frame, tables, one scan, the JFIF header: all that a variant may hold.
ALLOWED_MARKERS = {0xE0, 0xDB, 0xC0, 0xC4, 0xDA, 0xD9}


def pictures(made: Developed) -> dict[str, Image.Image]:
    return {v.name: Image.open(io.BytesIO(v.data)) for v in made.variants}


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    x, y = image.width // 8, image.height // 8
    right, bottom = image.width - x - 1, image.height - y - 1
    return [image.getpixel(at) for at in ((x, y), (right, y), (x, bottom), (right, bottom))]  # type: ignore[misc]


def near(found: Any, wanted: Any, tolerance: int = 12) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(found, wanted, strict=True))


def assert_upright(made: Developed) -> None:
    for image in pictures(made).values():
        for found, wanted in zip(corners(image), CORNERS, strict=True):
            assert near(found, wanted), (corners(image), CORNERS)


@pytest.mark.parametrize(
    ("source", "large", "medium", "thumb"),
    [
        ((4032, 3024), (1600, 1200), (640, 480), (160, 160)),
        ((3024, 4032), (1200, 1600), (480, 640), (160, 160)),
        ((1600, 1200), (1600, 1200), (640, 480), (160, 160)),
        ((640, 480), (640, 480), (640, 480), (160, 160)),
        ((300, 200), (300, 200), (300, 200), (160, 160)),
        ((100, 64), (100, 64), (100, 64), (64, 64)),
        ((64, 64), (64, 64), (64, 64), (64, 64)),
        ((1280, 64), (1280, 64), (1280, 64), (64, 64)),
        ((6000, 300), (6000, 300), (6000, 300), (160, 160)),
        ((1080, 20000), (640, 11851), (320, 5925), (160, 160)),
        ((1500, 30000), (600, 12000), (320, 6400), (160, 160)),
        ((1000, 3000), (533, 1600), (213, 640), (160, 160)),
        ((1000, 3010), (640, 1926), (320, 963), (160, 160)),
        ((1601, 1600), (1600, 1599), (640, 640), (160, 160)),
    ],
)
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_sizes(source: Any, large: Any, medium: Any, thumb: Any, form: str) -> None:
    made = develop(encoded(scene(*source), form))
    assert (made.width, made.height) == source
    found = {name: image.size for name, image in pictures(made).items()}
    assert found == {"large": large, "medium": medium, "thumb": thumb}
    assert [(v.width, v.height) for v in made.variants] == [large, medium, thumb]


@given(st.integers(1, 70_000), st.integers(1, 70_000))
def test_nothing_is_ever_enlarged(width: int, height: int) -> None:
    for edge in (1600, 640):
        fitted = fit(width, height, edge)
        assert 1 <= fitted[0] <= min(width, max(edge, 1))
        assert 1 <= fitted[1] <= min(height, max(edge, 1))
    work = working_size(width, height)
    assert work[0] <= width
    assert work[1] <= height
    assert min(work) >= thumb_edge(width, height)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_pictures_are_turned_upright(orientation: int, form: str) -> None:
    stored = stored_turned(scene(320, 240), orientation)
    made = develop(encoded(stored, form, exif=exif(orientation).tobytes(), quality=90))
    assert (made.width, made.height) == (320, 240)
    assert_upright(made)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_is_turned_once(orientation: int) -> None:
    """pillow-heif writes the turn as irot/imir, as phones do; its decoder applies it."""
    stored = stored_turned(scene(320, 240), orientation)
    made = develop(encoded(stored, "HEIF", exif=exif(orientation).tobytes(), quality=90))
    assert (made.width, made.height) == (320, 240)
    assert_upright(made)


@pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
def test_a_senseless_orientation_is_passed_over(orientation: int) -> None:
    assert_upright(develop(jpeg(exif=exif(orientation).tobytes())))


@pytest.mark.parametrize("block", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0garbage" * 40])
def test_broken_exif_costs_a_photo_nothing(block: bytes) -> None:
    assert_upright(develop(jpeg(exif=block)))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_nothing_of_the_original_but_its_pixels_comes_out(form: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options: dict[str, Any] = {"exif": exif(1).tobytes(), "icc_profile": profile, "xmp": b"<x>SecretPhoneMaker</x>"}
    if form == "JPEG":
        options |= {"comment": b"SecretPhoneMaker"}
    data = encoded(scene(800, 600), form, **options)
    assert b"SecretPhoneMaker" in data
    for variant in develop(data).variants:
        assert b"Secret" not in variant.data
        assert set(walk(variant.data, max_scans=100).markers) <= ALLOWED_MARKERS
        with Image.open(io.BytesIO(variant.data)) as image:
            assert (image.format, image.mode) == ("JPEG", "RGB")
            assert not image.getexif()
            assert not {"icc_profile", "exif", "xmp", "comment"} & set(image.info)


def test_an_mpo_gives_its_first_picture() -> None:
    other = Image.new("RGB", (320, 240), (0, 0, 0))
    data = encoded(scene(320, 240), "MPO", save_all=True, append_images=[other], quality=90)
    assert Image.open(io.BytesIO(data)).format == "MPO"
    assert_upright(develop(data))


def test_an_animated_webp_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (320, 240), (shade, 0, 0)) for shade in (0, 90, 200)]
    data = encoded(scene(320, 240), "WEBP", save_all=True, append_images=frames, quality=90)
    assert_upright(develop(data))


def test_trailing_bytes_behind_a_jpeg_are_passed_over() -> None:
    assert_upright(develop(jpeg() + b"\x00" * 999 + b"motion photo video"))


def test_progressive_with_the_most_scans_allowed() -> None:
    made = develop(jpeg_with_scans(100, 320, 240))
    assert (made.width, made.height) == (320, 240)


@pytest.mark.parametrize("value", [0, 300, 32768, 65535])
def test_16_bit_grey_is_not_clipped_to_white(value: int) -> None:
    large = pictures(develop(png_16_bit_grey(1700, 100, value)))["large"]
    assert near(large.getpixel((50, 50)), (value >> 8,) * 3, 2)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "L"])
@pytest.mark.parametrize("scale", [1, 12])
def test_modes_of_png(mode: str, scale: int) -> None:
    """Transparency lies on white; palettes, grey and one-bit pictures come out as they look."""
    base = Image.new("RGBA", (200 * scale, 100 * scale), (0, 0, 0, 0))
    base.paste((0, 0, 0, 255), (0, 0, 100 * scale, 100 * scale))
    image = base.convert("L").convert("1") if mode == "1" else base.convert(mode)
    opaque = mode in ("1", "L")
    large = pictures(develop(encoded(image, "PNG")))["large"]
    assert near(large.getpixel((large.width // 4, 50)), (0, 0, 0))
    assert near(large.getpixel((large.width * 3 // 4, 50)), (0, 0, 0) if opaque else (255, 255, 255))


def test_a_palette_with_a_transparent_entry_lies_on_white() -> None:
    image = Image.new("P", (200, 100), 1)
    image.putpalette([0, 200, 0, 200, 0, 0])
    image.paste(0, (0, 0, 100, 100))
    large = pictures(develop(encoded(image, "PNG", transparency=1)))["large"]
    assert near(large.getpixel((50, 50)), (0, 200, 0))
    assert near(large.getpixel((150, 50)), (255, 255, 255))


def test_a_transparent_colour_of_a_png_lies_on_white() -> None:
    image = Image.new("RGB", (200, 100), (200, 0, 0))
    image.paste((0, 200, 0), (0, 0, 100, 100))
    large = pictures(develop(encoded(image, "PNG", transparency=(200, 0, 0))))["large"]
    assert near(large.getpixel((50, 50)), (0, 200, 0))
    assert near(large.getpixel((150, 50)), (255, 255, 255))


def test_alpha_of_webp_and_avif_lies_on_white() -> None:
    image = Image.new("RGBA", (200, 100), (200, 0, 0, 0))
    for form in ("WEBP", "AVIF", "HEIF"):
        large = pictures(develop(encoded(image, form)))["large"]
        assert near(large.getpixel((50, 50)), (255, 255, 255)), form


def test_cmyk_with_adobe_inversion() -> None:
    data = encoded(scene(320, 240).convert("CMYK"), "JPEG", quality=95)
    assert b"Adobe" in data
    for found, wanted in zip(corners(pictures(develop(data))["large"]), CORNERS, strict=True):
        assert near(found, wanted, 16)


def test_grey_jpeg_comes_out_as_rgb() -> None:
    large = pictures(develop(encoded(Image.new("L", (200, 100), 77), "JPEG")))["large"]
    assert large.mode == "RGB"
    assert near(large.getpixel((50, 50)), (77, 77, 77), 2)


def wide_profile() -> bytes:
    """An sRGB profile whose red and green primaries are exchanged: converting through it shows."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data = bytearray(bytes(data).replace(b"s\0R\0G\0B", b"s\0W\0P\0B"))
    red, green = data.index(b"rXYZ", 128), data.index(b"gXYZ", 128)
    data[red : red + 4], data[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(data)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_a_foreign_profile_is_converted_to_srgb(form: str) -> None:
    image = Image.new("RGB", (200, 100), (250, 10, 10))
    large = pictures(develop(encoded(image, form, icc_profile=wide_profile(), quality=95)))["large"]
    red, green, _ = large.getpixel((50, 50))  # type: ignore[misc]
    assert green > 200
    assert red < 100


@pytest.mark.parametrize("profile", [b"", b"not a profile", b"\0" * 200, wide_profile()[:300]])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_broken_profile_costs_a_photo_nothing(form: str, profile: bytes) -> None:
    assert_upright(develop(encoded(scene(320, 240), form, icc_profile=profile)))


def test_a_profile_of_another_colour_space_is_passed_over() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert_upright(develop(jpeg(icc_profile=lab)))


@settings(max_examples=tries(10), deadline=None)
@given(st.integers(64, 400), st.integers(64, 400), st.sampled_from(["JPEG", "PNG", "WEBP"]))
def test_any_size_within_the_limits_is_developed(width: int, height: int, form: str) -> None:
    made = develop(encoded(scene(width, height), form))
    assert (made.width, made.height) == (width, height)
    assert Image.open(io.BytesIO(png(width, height))).size == (width, height)
    assert ORIENTATION not in pictures(made)["large"].getexif()
