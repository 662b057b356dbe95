"""Walk the markers of a JPEG without decoding it (ITU-T T.81, annex B). Pure, linear, never raises.

Why ours: a decoder does the work of every scan a file announces (a 200 KB file with 1,000 scans holds it for
24 s) and fills a cut-off picture with grey instead of refusing it. Both are plain to see in the markers.
"""

import re
from dataclasses import dataclass, field

_SOI, _EOI, _SOS, _TEM = 0xD8, 0xD9, 0xDA, 0x01
# Start-of-frame codes C0..CF without C4 (huffman tables), C8 (reserved) and CC (arithmetic conditioning).
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
# Of a block.
_COEFFICIENTS = 64
# A scan names four components at the most (T.81, B.2.3).
_MOST_IN_SCAN = 4
# In a scan FF 00 is a stuffed byte, FF D0..D7 are restarts and FF FF is fill: any other FF xx ends it.
_SCAN_END = re.compile(rb"\xff(?![\x00\xd0-\xd7\xff])")
# A phone's file has fewer than a thousand segments, long XMP and ICC blocks included.
MAX_SEGMENTS = 5_000


@dataclass(slots=True)
class JpegFacts:
    """What the markers tell. Sizes in pixels, as stored (not turned upright)."""

    width: int = 0
    height: int = 0
    components: int = 0
    precision: int = 0  # bits a sample
    frame_code: int = 0  # low byte of the start-of-frame marker: 0xC0 baseline, 0xC2 progressive
    frames: int = 0
    scans: int = 0
    complete: bool = False  # the end-of-image marker was seen
    orderly: bool = True  # no impossible segment lengths, not too many segments
    scan_ends: list[int] = field(default_factory=list)  # where each scan's data ends: at a marker, or with the file
    markers: list[int] = field(default_factory=list)  # low bytes, in order, restarts left out
    scanned: int = 0  # components that scans name, each as often as it is named
    # Progressive only. Component → for each coefficient how many of its low bits no scan has brought; 255: none at all.
    bits_left: dict[int, bytearray] = field(default_factory=dict)

    @property
    def all_sent(self) -> bool:
        """Whether the scans, if each is whole, bring every component, and of a progressive picture every bit of it."""
        if self.frame_code not in _PROGRESSIVE:
            return self.scanned >= self.components
        return len(self.bits_left) >= self.components and not any(any(left) for left in self.bits_left.values())


def walk(data: bytes, *, max_scans: int) -> JpegFacts:
    """Read the markers up to the first end of image, or until `max_scans` is exceeded."""
    facts = JpegFacts()
    at = 2 if data.startswith(b"\xff\xd8") else 0
    while len(facts.markers) < MAX_SEGMENTS:
        at = _next_marker(data, at)
        if len(facts.scan_ends) < facts.scans:
            facts.scan_ends.append(_end_of_codes(data, at - 2 if at >= 0 else len(data)))
        if at < 0:
            return facts
        code = data[at - 1]
        facts.markers.append(code)
        if code == _EOI:
            facts.complete = True
            return facts
        at = _step_over(data, at, code, facts)
        if at < 0 or facts.scans > max_scans:
            return facts
    facts.orderly = False
    return facts


def _next_marker(data: bytes, at: int) -> int:
    """Position behind the next marker's code byte, or -1. Junk and fill bytes are skipped, as decoders do."""
    found = _SCAN_END.search(data, at)
    if found is None or found.end() >= len(data):
        return -1
    return found.end() + 1


def _end_of_codes(data: bytes, at: int) -> int:
    """Position behind a scan's last code byte: fill bytes, and half a marker at the end of a file, are none."""
    while data[at - 1 : at] == b"\xff":
        at -= 1
    return at


def _step_over(data: bytes, at: int, code: int, facts: JpegFacts) -> int:
    """Position behind the segment whose marker ends at `at`, or -1 where the file ends or makes no sense."""
    if code in (_SOI, _TEM):
        return at
    length = int.from_bytes(data[at : at + 2], "big")
    end = at + length
    if at + 2 > len(data) or end > len(data):
        return -1
    if length < 2:
        facts.orderly = False
        return -1
    if code in _FRAMES:
        _read_frame(data[at + 2 : end], code, facts)
    elif code == _SOS:
        _read_scan(data[at + 2 : end], facts)
    return end


def _read_frame(body: bytes, code: int, facts: JpegFacts) -> None:
    """Precision, height, width, components: the first six bytes of a start-of-frame segment."""
    facts.frames += 1
    if len(body) < 6:
        facts.orderly = False
        return
    facts.frame_code = code
    facts.precision = body[0]
    facts.height = int.from_bytes(body[1:3], "big")
    facts.width = int.from_bytes(body[3:5], "big")
    facts.components = body[5]


def _read_scan(body: bytes, facts: JpegFacts) -> None:
    """The components of a scan; of a progressive one the coefficients, and the bits left for later (B.2.3, G.1.1.1)."""
    facts.scans += 1
    count = min(body[0], _MOST_IN_SCAN) if body else 0
    facts.scanned += count
    band = body[1 + 2 * count : 4 + 2 * count]
    if facts.frame_code not in _PROGRESSIVE or len(band) < 3:
        return
    first, last, low = band[0], min(band[1], _COEFFICIENTS - 1), band[2] & 15
    for component in body[1 : 1 + 2 * count : 2]:
        left = facts.bits_left.setdefault(component, bytearray(b"\xff" * _COEFFICIENTS))
        for coefficient in range(first, last + 1):
            left[coefficient] = low
