"""QR pictures as SVG and PNG."""

import io
from functools import lru_cache
from html import escape

import segno

from wxapi.kernel.clock import SHANGHAI
from wxapi.training.models import TrainingSession

# Modules of white around the code, as the standard asks for.
_BORDER = 4
_POSTER_WIDTH, _POSTER_HEIGHT = 600, 800
_LINE_CHARACTERS = 24


@lru_cache(maxsize=256)
def screen_svg(code: str) -> str:
    """The rotating code for a screen, without a fixed size. Kept: 200 screens ask for the same picture."""
    out = io.BytesIO()
    segno.make(code, error="m").save(
        out, kind="svg", border=_BORDER, omitsize=True, xmldecl=False, svgclass=None, lineclass=None, nl=False
    )
    return out.getvalue().decode()


def poster_png(address: str) -> bytes:
    """The QR picture of a session's address, 15 pixels a module: sharp on an A4 sheet."""
    out = io.BytesIO()
    segno.make(address, error="q").save(out, kind="png", scale=15, border=_BORDER)
    return out.getvalue()


def poster_svg(row: TrainingSession, address: str) -> str:
    """A poster to print and hang out: title, the session's address as a QR picture, time and place."""
    begin, end = row.starts_at.astimezone(SHANGHAI), row.ends_at.astimezone(SHANGHAI)
    lines = [f"时间：{begin:%Y-%m-%d %H:%M}–{end:%H:%M}", f"地点：{row.place}", "微信扫码报名"]
    title = row.title
    code = segno.make(address, error="q")
    modules = code.symbol_size(border=_BORDER)[0]
    scale = 440 / modules
    picture = code.svg_inline(border=_BORDER, scale=scale)
    texts = _texts(title, 24, 60) + "".join(_texts(line, 22, 680 + 40 * n) for n, line in enumerate(lines[:3]))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_POSTER_WIDTH} {_POSTER_HEIGHT}">'
        f'<rect width="100%" height="100%" fill="#fff"/>{texts}'
        f'<g transform="translate(80 200)">{picture}</g></svg>'
    )


def _texts(text: str, size: int, top: int) -> str:
    """Lines of centred text, cut into pieces that fit; three at most."""
    pieces = [text[at : at + _LINE_CHARACTERS] for at in range(0, len(text), _LINE_CHARACTERS)][:3]
    return "".join(
        f'<text x="{_POSTER_WIDTH // 2}" y="{top + n * (size + 8)}" font-size="{size}"'
        f' text-anchor="middle" font-family="sans-serif">{escape(piece)}</text>'
        for n, piece in enumerate(pieces)
    )
