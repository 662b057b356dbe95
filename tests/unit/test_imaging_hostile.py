"""What is refused, and by which code; and that no bytes make anything else than a picture or a refusal."""

import io
import random
import struct
import zlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.pictures import (
    encoded,
    heif_claiming,
    jpeg,
    jpeg_claiming,
    jpeg_with_scans,
    png,
    png_chunk,
    png_claiming,
    png_with,
    scene,
)
from tests.tries import tries
from wxapi.photos.rules.decoding import boxes, jpeg_markers, png_chunks
from wxapi.photos.rules.decoding.imaging import develop
from wxapi.photos.rules.decoding.signatures import PictureKind, sniff
from wxapi.photos.rules.photos import REJECTION_DETAILS, Developed, RejectedError, RejectionCode

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n(/tmp/owned) (w) file\nshowpage\n"
SVG = b'<?xml version="1.0"?>\n<!-- x -->\n<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"/>'


def refusal(data: bytes) -> str:
    with pytest.raises(RejectedError) as caught:
        develop(data)
    return caught.value.code.value


def animated(form: str, count: int) -> bytes:
    frames = [Image.new("RGB", (64, 64), (n * 2 % 256, n % 2 * 255, 99)) for n in range(count)]
    return encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=40)


CASES = {
    "empty": (lambda: b"", "empty_file"),
    "text": (lambda: b"hello world, no picture here" * 9, "unsupported_format"),
    "gif": (lambda: encoded(scene(100, 100), "GIF"), "unsupported_format"),
    "bmp": (lambda: encoded(scene(100, 100), "BMP"), "unsupported_format"),
    "tiff": (lambda: encoded(scene(100, 100), "TIFF"), "unsupported_format"),
    "jpeg 2000": (lambda: encoded(scene(100, 100), "JPEG2000"), "unsupported_format"),
    "psd": (
        lambda: b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 100, 100, 8, 3) + bytes(99),
        "unsupported_format",
    ),
    "eps": (lambda: EPS, "unsupported_format"),
    "svg": (lambda: SVG, "unsupported_format"),
    "jpeg cut in half": (lambda: jpeg(800, 600)[:6000], "truncated"),
    "jpeg cut and ended": (lambda: jpeg(800, 600)[:6000] + b"\xff\xd9", "truncated"),
    "jpeg of a larger header": (lambda: jpeg_claiming(12000, 9000, jpeg(800, 600)), "truncated"),
    "heic of 200 MP": (lambda: heif_claiming("HEIF", 16384, 12288), "too_many_pixels"),
    "heic of 2^31": (lambda: heif_claiming("HEIF", 2**31 - 1, 2**31 - 1), "too_many_pixels"),
    "avif of 61 MP": (lambda: heif_claiming("AVIF", 10000, 6100), "too_many_pixels"),
    "jpeg, header only": (lambda: jpeg()[:20], "truncated"),
    "three bytes": (lambda: b"\xff\xd8\xff", "truncated"),
    "png cut": (lambda: png(800, 600)[:-30], "truncated"),
    "png without IEND": (lambda: png()[:-12], "truncated"),
    "webp cut": (lambda: encoded(scene(800, 600), "WEBP")[:-40], "truncated"),
    "heic cut": (lambda: encoded(scene(800, 600), "HEIF")[:-40], "truncated"),
    "heic, ftyp only": (lambda: encoded(scene(800, 600), "HEIF")[:40], "truncated"),
    "avif cut": (lambda: encoded(scene(800, 600), "AVIF")[:-40], "truncated"),
    "65500 x 65500 jpeg": (lambda: jpeg_claiming(65500, 65500), "too_many_pixels"),
    "just above 120 MP jpeg": (lambda: jpeg_claiming(12000, 10001), "too_many_pixels"),
    "just above 60 MP png": (lambda: png_claiming(10000, 6001), "too_many_pixels"),
    "2^31 png": (lambda: png_claiming(2**31 - 1, 2**31 - 1), "too_many_pixels"),
    "1 x 1": (lambda: jpeg(1, 1), "too_small"),
    "63 x 63": (lambda: png(63, 63), "too_small"),
    "2000 x 63": (lambda: jpeg(2000, 63), "too_small"),
    "2000 x 64": (lambda: jpeg(2000, 64), "too_narrow"),
    "64 x 1281": (lambda: png(64, 1281), "too_narrow"),
    "101 scans": (lambda: jpeg_with_scans(101), "too_many_scans"),
    "1000 scans": (lambda: jpeg_with_scans(1000), "too_many_scans"),
    "apng": (lambda: animated("PNG", 3), "too_many_frames"),
    "avif sequence": (lambda: animated("AVIF", 3), "too_many_frames"),
    "webp of 101 frames": (lambda: animated("WEBP", 101), "too_many_frames"),
    "png with a wrong checksum": (lambda: png()[:40] + b"\x00" + png()[41:], "corrupt"),
    "png without data": (lambda: png()[:33] + png_chunk(b"IEND", b""), "corrupt"),
    "png header twice": (lambda: png_with(png()[8:33]), "corrupt"),
    "png of 0 x 100": (lambda: png_claiming(0, 100), "corrupt"),
    "jpeg of height 0": (lambda: jpeg_claiming(100, 0), "corrupt"),
    "jpeg without a scan": (lambda: b"\xff\xd8\xff\xd9", "corrupt"),
    "two frames in a jpeg": (
        lambda: jpeg()[:2] + jpeg()[jpeg().index(b"\xff\xc0") : jpeg().index(b"\xff\xc4")] + jpeg()[2:],
        "corrupt",
    ),
    "segment flood": (lambda: b"\xff\xd8" + b"\xff\xfe\x00\x02" * 6000 + jpeg()[2:], "corrupt"),
    "heic of noise": (lambda: encoded(scene(99, 99), "HEIF")[:32] + random.Random(1).randbytes(5000), "corrupt"),
}


@pytest.mark.parametrize("name", CASES)
def test_refusals(name: str) -> None:
    make, code = CASES[name]
    assert refusal(make()) == code


def test_every_code_has_a_case_and_a_sentence() -> None:
    assert {code for _, code in CASES.values()} == {code.value for code in RejectionCode}
    assert set(REJECTION_DETAILS) == set(RejectionCode)
    assert all(sentence.endswith("。") for sentence in REJECTION_DETAILS.values())


def test_a_hostile_png_text_or_profile_never_reaches_the_decoder() -> None:
    bomb = zlib.compress(bytes(64 << 20), 9)
    for chunk in (
        png_chunk(b"zTXt", b"k\0\0" + bomb),
        png_chunk(b"iTXt", b"k\0\1\0\0\0" + bomb),
        png_chunk(b"iCCP", b"p\0\0" + bomb),
        png_chunk(b"iCCP", b"p\0\0not deflated"),
        png_chunk(b"eXIf", bytes(1 << 17)),
        png_chunk(b"tEXt", b"k\0v")[:-1] + b"!",
    ):
        made = develop(png_with(chunk))
        assert (made.width, made.height) == (64, 64)


def test_the_header_is_judged_before_a_byte_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object, **__: object) -> None:
        raise AssertionError("the decoder was opened")

    monkeypatch.setattr(Image, "open", decode)
    for name in (
        "65500 x 65500 jpeg",
        "just above 60 MP png",
        "1000 scans",
        "heic of 200 MP",
        "heic of 2^31",
        "avif of 61 MP",
        "eps",
    ):
        make, code = CASES[name]
        assert refusal(make()) == code


def test_a_polyglot_is_judged_as_what_it_begins_with() -> None:
    assert isinstance(develop(jpeg() + EPS), Developed)
    assert refusal(EPS + jpeg()) == "unsupported_format"


def test_brands() -> None:
    def ftyp(major: bytes, *compatible: bytes) -> bytes:
        body = major + b"\0\0\0\0" + b"".join(compatible)
        return struct.pack(">I", len(body) + 8) + b"ftyp" + body

    assert sniff(ftyp(b"mif1", b"mif1", b"heic")) is PictureKind.HEIF
    assert sniff(ftyp(b"mif1", b"mif1", b"avif")) is PictureKind.AVIF
    assert sniff(ftyp(b"avif", b"mif1")) is PictureKind.AVIF
    assert sniff(ftyp(b"isom", b"mp41")) is PictureKind.UNKNOWN
    assert sniff(ftyp(b"jxl ", b"mif1")) is PictureKind.OTHER_PICTURE
    assert refusal(ftyp(b"heic", b"mif1") + struct.pack(">I", 8) + b"meta") == "corrupt"
    assert refusal(ftyp(b"hevc", b"msf1") + struct.pack(">I", 8) + b"moov") == "too_many_frames"


SEEDS = [
    jpeg(80, 70),
    jpeg(80, 70, progressive=True),
    png(80, 70),
    encoded(scene(80, 70), "WEBP"),
    encoded(scene(80, 70), "HEIF"),
    encoded(scene(80, 70), "AVIF"),
]


@settings(max_examples=tries(100), deadline=None)
@given(st.binary(max_size=400))
@example(b"\xff\xd8\xff\xc0\x00\x02\xff\xda\x00\x02")
@example(b"\xff\xd8\xff\xff\xff\xff")
@example(b"\xff\xd8\xff\xe0\x00\x00")
@example(b"\x89PNG\r\n\x1a\n" + bytes(20))
@example(b"RIFF\x00\x00\x00\x00WEBPVP8X")
@example(b"\x00\x00\x00\x00ftypheic" + bytes(40))
def test_walkers_never_raise_anything_else(data: bytes) -> None:
    for head in (b"", b"\xff\xd8", b"RIFF\0\0\0\0WEBP", b"\0\0\0\x14ftypheic\0\0\0\0"):
        sniff(head + data)
        facts = jpeg_markers.walk(head + data, max_scans=100)
        assert len(facts.markers) <= jpeg_markers.MAX_SEGMENTS
        boxes.read_webp(head + data)
        boxes.is_complete(head + data)
        boxes.is_sequence(head + data)
        boxes.largest_extent(head + data)
    try:
        png_chunks.read(png_chunks.SIGNATURE + data)
    except RejectedError as rejected:
        assert rejected.code in {RejectionCode.TRUNCATED, RejectionCode.CORRUPT}  # noqa: PT017 - either is right


@settings(max_examples=tries(120), deadline=None)
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_pictures_are_developed_or_refused(seed: bytes, damage: list[tuple[int, int]]) -> None:
    data = bytearray(seed)
    for at, value in damage:
        data[at % len(data)] = value
    try:
        made = develop(bytes(data))
    except RejectedError:
        return
    for variant in made.variants:
        Image.open(io.BytesIO(variant.data)).load()


@settings(max_examples=tries(40), deadline=None)
@given(st.sampled_from([seed for seed in SEEDS if sniff(seed) is not PictureKind.JPEG]), st.integers(1, 3000))
def test_no_cut_off_picture_is_taken(seed: bytes, missing: int) -> None:
    # Of a JPEG a few codes may lack (tests/unit/test_jpeg_scans.py).
    code = refusal(seed[: max(len(seed) - missing, 0)])
    assert code in {"truncated", "empty_file", "unsupported_format", "corrupt", "too_small"}


def test_the_marker_walk_is_linear() -> None:
    """20 MiB of the worst kind: fill bytes, stuffed bytes, segments of no length."""
    for piece in (b"\xff\xff", b"\xff\x00", b"\xff\xd0", b"\xff\xfe\x00\x02", b"\x00\x00"):
        facts = jpeg_markers.walk(b"\xff\xd8" + piece * (10 << 20), max_scans=100)
        assert not facts.complete
