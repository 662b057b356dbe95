"""A poster to hang out: title, QR picture of the session's page, time and place. SVG and PNG by one layout."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

import segno
from PIL import Image, ImageDraw, ImageFont

from wxapi.kernel.clock import SHANGHAI
from wxapi.training.models import TrainingSession
from wxapi.training.rules import lettering
from wxapi.training.rules.sessions import SessionState
from wxapi.training.wire.documents.qr import BORDER

# Units of the layout; a PNG has `_SCALE` pixels for each.
WIDTH, _LEAST_HEIGHT = 600, 800
_MARGIN = 50
_ROOM = WIDTH - 2 * _MARGIN
_SCALE = 3
_CODE_EDGE = 380
_LEADING = 1.4
_INK, _RED = "#000000", "#c00000"
_FAMILY = "'Noto Sans SC','Source Han Sans SC','PingFang SC','Microsoft YaHei',sans-serif"
# Characters that no XML holds; rows written before they were refused may have them.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class PosterLine:
    """A centred line of text; `base` is the y of its base line."""

    text: str
    size: int
    base: float
    colour: str


@dataclass(frozen=True, slots=True)
class Poster:
    """Where everything is. `code`: rows of dark modules, the quiet zone included; `code_top`: y of its upper edge."""

    height: float
    lines: tuple[PosterLine, ...]
    code: tuple[tuple[bool, ...], ...]
    code_top: float


def require_drawable(row: TrainingSession) -> None:
    """Refuse a picture with empty boxes for characters; an SVG is drawn by its reader, with the reader's fonts.

    Raises:
        ConflictError: `not_printable`.
    """
    lettering.require_drawable(row.title, "培训名称")
    lettering.require_drawable(row.place, "地点")


def layout(row: TrainingSession, address: str) -> Poster:
    """Put one thing below the other, each as high as it needs."""
    cancelled = row.state == SessionState.CANCELLED
    above = [(row.title, 34, _INK)]
    if cancelled:
        above.insert(0, ("已取消", 48, _RED))
    end = ("本场培训已取消，扫码查看详情", 26, _RED) if cancelled else ("微信扫码报名", 26, _INK)
    below = [(f"时间：{when(row.starts_at, row.ends_at)}", 22, _INK), (f"地点：{row.place}", 22, _INK), end]
    head, at = _stacked(above, 50.0)
    code_top = at + 10
    foot, at = _stacked(below, code_top + _CODE_EDGE + 20)
    code = segno.make(address, error="q").matrix_iter(border=BORDER)
    modules = tuple(tuple(bool(module) for module in line) for line in code)
    return Poster(max(_LEAST_HEIGHT, at + 40), (*head, *foot), modules, code_top)


def when(starts_at: datetime, ends_at: datetime) -> str:
    """From when to when, the day of the end only where it is another one."""
    begin, end = starts_at.astimezone(SHANGHAI), ends_at.astimezone(SHANGHAI)
    if begin.date() == end.date():
        return f"{begin:%Y-%m-%d %H:%M}–{end:%H:%M}"
    return f"{begin:%Y-%m-%d %H:%M} 至 {end:%Y-%m-%d %H:%M}"


def svg(poster: Poster) -> str:
    """The poster for a printer."""
    module = _CODE_EDGE / len(poster.code)
    left = (WIDTH - _CODE_EDGE) / 2
    path = "".join(
        f"M{column} {line}h1v1h-1z" for line, row in enumerate(poster.code) for column, dark in enumerate(row) if dark
    )
    texts = "".join(_text(line) for line in poster.lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {poster.height:g}">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{texts}'
        f'<path transform="translate({left:g} {poster.code_top:g}) scale({module:.4f})" d="{path}"/></svg>'
    )


def png(poster: Poster) -> bytes:
    """The poster as a picture, sharp on an A4 sheet."""
    image = Image.new("L", (WIDTH * _SCALE, round(poster.height * _SCALE)), 255).convert("RGB")
    draw = ImageDraw.Draw(image)
    for line in poster.lines:
        font = ImageFont.truetype(lettering.FONT_FILE, line.size * _SCALE)
        place = (WIDTH / 2 * _SCALE, line.base * _SCALE)
        draw.text(place, line.text, font=font, anchor="ms", fill=line.colour)
    # Whole pixels for a module: blurred edges are harder to read.
    module = _CODE_EDGE * _SCALE // len(poster.code)
    left = (WIDTH * _SCALE - module * len(poster.code)) // 2
    top = round(poster.code_top * _SCALE)
    for at, row in enumerate(poster.code):
        for column, dark in enumerate(row):
            if dark:
                x, y = left + column * module, top + at * module
                draw.rectangle((x, y, x + module - 1, y + module - 1), fill=_INK)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _stacked(texts: Sequence[tuple[str, int, str]], top: float) -> tuple[list[PosterLine], float]:
    """Lines one below the other from `top` on, and where they end."""
    lines: list[PosterLine] = []
    for text, size, colour in texts:
        for piece in lettering.lines(_NO_XML.sub("", text), size, _ROOM):
            lines.append(PosterLine(piece, size, top + size, colour))
            top += size * _LEADING
        top += 8
    return lines, top


def _text(line: PosterLine) -> str:
    # The reader's font may be wider than ours: it must not run over the edge.
    width = lettering.width(line.text, line.size)
    tight = f' textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs"' if width > _ROOM * 0.8 else ""
    return (
        f'<text x="{WIDTH // 2}" y="{line.base:g}" font-size="{line.size}" fill="{line.colour}"'
        f' text-anchor="middle" font-family="{_FAMILY}"{tight}>{escape(line.text)}</text>'
    )
