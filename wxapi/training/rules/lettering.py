"""What can be written on paper and pictures, how wide it is, and where its lines break. Pure.

One font for all: Noto Sans SC. Readers of PDF files differ in what they make of fonts they only know by name, so a
file takes the outlines it needs along (`outlines`).
"""

import io
import re
import threading
from collections.abc import Iterable, Sequence
from functools import cache

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from pylopdf_fonts_zh_cn import sans_path

from wxapi.kernel.errors import ConflictError
from wxapi.kernel.text import without_selectors

FONT_FILE = str(sans_path())
# Largest distance between an outline and its approximation by quadratic curves, in thousandths of the font's size.
_DEVIATION = 1.0
# What is missing is drawn by the reader's own font, as wide as a Chinese character.
_MISSING_WIDTH = 1000
# Runs that stay together: numbers, dates, times, words in Latin letters.
_TOKENS = re.compile(r"[!-~\u00b7\u2013]+|.", re.DOTALL)
# No line begins with these.
_CLOSING = frozenset("，。、；：？！）”’》】…")
_OPENING = frozenset("（“‘《【")
# The font object reads its tables when they are first used.
_lock = threading.Lock()


@cache
def _font() -> TTFont:
    return TTFont(FONT_FILE, lazy=True)


@cache
def _widths() -> dict[str, int]:
    """Advance of each character the font has, in thousandths of its size."""
    with _lock:
        font = _font()
        metrics = font["hmtx"]
        return {chr(code): metrics[name][0] for code, name in font.getBestCmap().items()}


def missing(text: str) -> str:
    """The characters that cannot be drawn, each once, in order."""
    return "".join(dict.fromkeys(character for character in without_selectors(text) if character not in _widths()))


def require_drawable(text: str, what: str) -> None:
    """Refuse what paper or a picture would show as an empty box.

    Raises:
        ConflictError: `not_printable`, with the characters.
    """
    lost = missing(text)
    if lost:
        raise ConflictError("not_printable", f"{what}中的“{lost}”暂时无法打印，请改用可打印的写法后再试。")


def width(text: str, size: float) -> float:
    """How wide a text is, in the unit of `size`."""
    widths = _widths()
    return sum(widths.get(character, _MISSING_WIDTH) for character in text) * size / 1000


def lines(text: str, size: float, room: float, *, whole: Iterable[str] = ()) -> list[str]:
    """Break a text into lines no wider than `room`: never in a word, a number, a date or one of `whole`.

    A piece that is itself wider than a line is broken where the line is full.
    """
    found: list[str] = []
    line = ""
    for piece in _pieces(without_selectors(text), size, room, [without_selectors(each) for each in whole if each]):
        if line and width(line + piece, size) > room and not line.isspace():
            found.append(line.rstrip())
            line = ""
        line += piece if line or not piece.isspace() else ""
    return [*found, line.rstrip()] if line.strip() or not found else found


def _pieces(text: str, size: float, room: float, whole: Sequence[str]) -> list[str]:
    """What stays on one line: words, with the punctuation that belongs to them."""
    parts = re.split("(" + "|".join(re.escape(each) for each in whole) + ")", text) if whole else [text]
    tokens: list[str] = []
    for at, part in enumerate(parts):
        tokens += [part] if at % 2 else _TOKENS.findall(part)
    pieces: list[str] = []
    for token in tokens:
        if pieces and (token in _CLOSING or pieces[-1][-1:] in _OPENING) and width(pieces[-1] + token, size) <= room:
            pieces[-1] += token
        else:
            pieces += [token] if width(token, size) <= room else list(token)
    return pieces


def outlines(text: str) -> bytes:
    """A TrueType font that holds the characters of a text and no others.

    Those that are missing are left out. PDF takes Noto's own (cubic) outlines only as a font of another kind, which
    fewer writers know.
    """
    with _lock:
        font = _font()
        names = font.getBestCmap()
        codes = {ord(character): names[ord(character)] for character in sorted(set(text)) if ord(character) in names}
        order = list(dict.fromkeys([".notdef", *codes.values()]))
        drawn, metrics = font.getGlyphSet(), font["hmtx"]
        glyphs = {}
        for name in order:
            pen = TTGlyphPen(None)
            drawn[name].draw(Cu2QuPen(pen, _DEVIATION, reverse_direction=True))
            glyphs[name] = pen.glyph()
        advances = {name: metrics[name] for name in order}
        ascent, descent = font["hhea"].ascent, font["hhea"].descent
    return _built(order, codes, glyphs, advances, ascent, descent)


def _built(
    order: list[str],
    codes: dict[int, str],
    glyphs: dict[str, object],
    advances: dict[str, tuple[int, int]],
    ascent: int,
    descent: int,
) -> bytes:
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(codes)
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(advances)
    builder.setupHorizontalHeader(ascent=ascent, descent=descent)
    builder.setupNameTable({"familyName": "Noto Sans SC", "styleName": "Regular", "psName": "NotoSansSC-Regular"})
    builder.setupOS2(sTypoAscender=ascent, sTypoDescender=descent, usWinAscent=ascent, usWinDescent=-descent)
    builder.setupPost()
    # The same file for the same text.
    builder.font["head"].created = builder.font["head"].modified = 0
    builder.font.recalcTimestamp = False
    out = io.BytesIO()
    builder.save(out)
    return out.getvalue()
