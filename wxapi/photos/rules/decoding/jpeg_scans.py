"""Whether the scans of a JPEG hold as much as its header says: a cut one is refused, not filled with grey.

The end marker proves nothing: recorders and repair tools append it to what they have, and some leave it away. The
decoder only warns when a scan ends early, and Pillow keeps the warning to itself. So the end is taken away: a
decoder that runs out of data then waits for more, and the last row, which a whole scan fills, stays as it was.
"""

import io

from PIL import Image

from wxapi.photos.rules.decoding import jpeg_markers
from wxapi.photos.rules.photos import MAX_PIXELS_SCALED, MAX_SCANS, RejectedError, RejectionCode, check_size

_END = b"\xff\xd9"
# Bytes that libjpeg wants to see beyond the last code before it takes it; a scan cut by fewer is whole to the eye.
_BEYOND = bytes(8)
# Decoded as codes, they change what a short scan shows; behind a whole one they are passed over.
_CODES = b"\x5a\xa5\x3c" * 64
# Low bytes of the markers after which the codes begin anew.
_RESTARTS = range(0xD0, 0xD8)
# Frames whose only scan is decoded row by row as it comes.
_ROW_BY_ROW = (0xC0, 0xC1)
# Arithmetic coding leaves zeros at a scan's end away: there is no telling.
_ARITHMETIC = range(0xC9, 0xD0)


def judged(data: bytes) -> bytes:
    """Judge the markers; returns what the decoder is to see. Raises `RejectedError`."""
    facts = jpeg_markers.walk(data, max_scans=MAX_SCANS)
    if facts.frames:
        check_size(facts.width, facts.height, max_pixels=MAX_PIXELS_SCALED)
    if facts.scans > MAX_SCANS:
        raise RejectedError(RejectionCode.TOO_MANY_SCANS)
    if not facts.orderly:
        raise RejectedError(RejectionCode.CORRUPT)
    if not facts.complete and not facts.scan_ends:
        raise RejectedError(RejectionCode.TRUNCATED)
    if facts.frames != 1 or not facts.scans:
        raise RejectedError(RejectionCode.CORRUPT)
    if facts.precision != 8 or facts.components not in (1, 3, 4):
        raise RejectedError(RejectionCode.UNSUPPORTED_FORMAT)
    if not facts.all_sent:
        raise RejectedError(RejectionCode.TRUNCATED)  # cut between two scans, each of which is whole
    end = facts.scan_ends[-1]
    row_by_row = facts.frame_code in _ROW_BY_ROW and facts.scans == 1
    return data[:end] + (_BEYOND if row_by_row else _END)


def load(image: Image.Image, picture: bytes, size: tuple[int, int]) -> None:
    """Decode what was opened from `judged` bytes, drafted for `size`; raises `RejectedError` where it is cut."""
    image.decodermaxblock = len(picture)  # type: ignore[attr-defined]  # all at once: pieces are copied and joined
    if picture.endswith(_END):
        image.load()
    else:
        _load_without_end(image)
        if image.crop((0, image.height - 1, image.width, image.height)).getbbox() is not None:
            return  # the last row is there; where it is black there is no telling
    if not _is_whole(image, picture.removesuffix(_BEYOND), size):
        raise RejectedError(RejectionCode.TRUNCATED)


def _load_without_end(image: Image.Image) -> None:
    try:
        image.load()
    except OSError as error:
        if "truncated" not in str(error):
            raise
        image.tile = []  # type: ignore[attr-defined]  # an opened file has it: what is still to be decoded


def _is_whole(image: Image.Image, picture: bytes, size: tuple[int, int]) -> bool:
    """Whether other bytes behind the scans leave the decoded picture as it is. Takes as long as decoding it again."""
    facts = jpeg_markers.walk(picture, max_scans=MAX_SCANS)
    if facts.frame_code in _ARITHMETIC:
        return True
    pieces, at = [], 0
    for end in facts.scan_ends:
        scan = picture[at:end]
        pieces += [scan, _more_codes(scan)]
        at = end
    with Image.open(io.BytesIO(b"".join(pieces) + picture[at:] + _END), formats=["JPEG"]) as other:
        other.draft(None, size)
        return image.tobytes() == other.tobytes()


def _more_codes(scan: bytes) -> bytes:
    """Codes, then the restarts that the decoder would wait for, each with codes: to others it pays no heed."""
    _, last = max((scan.rfind(bytes((0xFF, code))), code) for code in _RESTARTS)  # none: as behind the last of all
    following = [_RESTARTS[(last + step) % len(_RESTARTS)] for step in range(1, len(_RESTARTS) + 1)]
    return _CODES + b"".join(bytes((0xFF, code)) + _CODES for code in following)
