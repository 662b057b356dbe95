"""A JPEG is taken when its scans are whole, whatever its end says; cut anywhere, it is refused."""

import io
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.pictures import encoded, jpeg, jpeg_claiming, scene
from tests.tries import tries
from wxapi.photos.rules.decoding.imaging import develop
from wxapi.photos.rules.decoding.jpeg_markers import walk
from wxapi.photos.rules.photos import RejectedError

END = b"\xff\xd9"
NOISE = Image.effect_noise((480, 360), 80).convert("RGB")
BLACK = Image.new("RGB", (480, 360))
BELOW_BLACK = NOISE.copy()
BELOW_BLACK.paste(0, (0, 300, 480, 360))
WHOLE = {
    "noise": encoded(NOISE, "JPEG"),
    "fine": encoded(NOISE, "JPEG", subsampling=0, quality=95),
    "grey": encoded(NOISE.convert("L"), "JPEG"),
    "cmyk": encoded(NOISE.convert("CMYK"), "JPEG"),
    "restarts": encoded(NOISE, "JPEG", restart_marker_rows=1),
    "black below": encoded(BELOW_BLACK, "JPEG"),
    "progressive": encoded(NOISE, "JPEG", progressive=True),
    "large": encoded(NOISE.resize((2000, 1500)), "JPEG"),
    "not full blocks": jpeg(333, 251),
}


def refusal(data: bytes) -> str | None:
    try:
        develop(data)
    except RejectedError as rejected:
        return rejected.code.value
    return None


@pytest.mark.parametrize("name", [*WHOLE, "black"])
def test_a_whole_scan_is_taken_with_and_without_its_end(name: str) -> None:
    data = WHOLE.get(name) or encoded(BLACK, "JPEG")
    whole = develop(data)
    assert data.endswith(END)
    for unended in (data[:-2], data[:-1], data[:-2] + bytes(100), data + b"a film behind it"):
        assert develop(unended) == whole


@settings(max_examples=tries(50), deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.floats(0.001, 0.99), st.sampled_from([b"", END, b"\xff" + END]))
@example("progressive", 0.98, END)
def test_cut_anywhere_it_is_refused(name: str, share: float, ending: bytes) -> None:
    data = WHOLE[name]
    first = data.index(b"\xff\xda") + 14
    # Of noise; a black end is coded in so few bytes that a cut there may be whole.
    last = len(data) * 8 // 10 if name in {"black below", "not full blocks"} else len(data)
    cut = first + int((last - first) * share)
    assert refusal(data[:cut] + ending) == "truncated"


@pytest.mark.parametrize("ending", [b"", END])
def test_cut_between_two_scans_it_is_refused(ending: bytes) -> None:
    data = WHOLE["progressive"]
    ends = walk(data, max_scans=100).scan_ends
    assert len(ends) > 5
    for end in ends[:-1]:
        # Behind a scan, in the tables of the next, and in its header.
        header = data.index(b"\xff\xda", end)
        for cut in (end, (end + header) // 2, header, header + 4):
            assert refusal(data[:cut] + ending) == "truncated"


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("ending", [b"", END])
def test_cut_before_a_restart_it_is_refused(progressive: bool, ending: bytes) -> None:
    """There a decoder looks for a marker and passes over whatever else comes."""
    data = encoded(NOISE.crop((0, 0, 160, 160)), "JPEG", restart_marker_rows=1, progressive=progressive)
    restarts = [found.start() for found in re.finditer(rb"\xff[\xd0-\xd7]", data)]
    in_last_scan = [at for at in restarts if at > data.rindex(b"\xff\xda")]
    assert len(in_last_scan) >= 9
    assert refusal(data) is None
    for at in in_last_scan:
        assert refusal(data[:at] + ending) == "truncated"


@given(st.integers(81, 3000), st.integers(71, 2000))
@settings(max_examples=tries(20), deadline=None)
def test_a_header_larger_than_its_scan_is_refused(width: int, height: int) -> None:
    small = jpeg(80, 70)
    if width * height > 4 * 80 * 70 and max(width, height) <= 20 * min(width, height):
        assert refusal(jpeg_claiming(width, height, small)) == "truncated"


def test_a_long_screenshot_stays_readable_and_within_three_mebibytes() -> None:
    lines = Image.effect_noise((1080, 20000), 120).convert("RGB")
    made = {variant.name: variant for variant in develop(encoded(lines, "JPEG", quality=30)).variants}
    large = made["large"]
    assert len(large.data) <= 3 << 20
    assert 300 < large.width <= 640
    assert abs(large.height / large.width - 20000 / 1080) < 0.1
    assert made["medium"].width == 320
    assert Image.open(io.BytesIO(large.data)).size == (large.width, large.height)


def test_the_walk_says_where_scans_end() -> None:
    data = encoded(scene(100, 80), "JPEG", progressive=True)
    facts = walk(data, max_scans=100)
    assert len(facts.scan_ends) == facts.scans > 1
    assert all(data[end : end + 2] in (b"\xff\xda", b"\xff\xc4", END) for end in facts.scan_ends)
