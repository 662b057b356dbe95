"""An attendance certificate as PDF.

The font is STSong-Light by name (one of the four Chinese CID fonts every PDF reader knows), so no font file travels
with the product and a certificate has 3 KB; see docs/adr/0060.
"""

import io
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import segno
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from wxapi.kernel.clock import local_day
from wxapi.training.services.certify import CertificateView

_FONT = "STSong-Light"
_WIDTH, _HEIGHT = A4
_MIDDLE = _WIDTH / 2
# Characters of 16 pt that fit between the margins.
_LINE_CHARACTERS = 28
_MODULE = 3.0

pdfmetrics.registerFont(UnicodeCIDFont(_FONT))


@dataclass(frozen=True, slots=True)
class Content:
    """What a certificate says, and nothing else: name, title, date or year, hours."""

    name: str
    title: str
    when: str
    hours: Decimal
    issued_on: date
    check_code: str
    verify_url: str


def content_of(view: CertificateView) -> Content:
    """What the paper says of a certificate."""
    code = view.check_code
    return Content(
        name=view.name or "持证人",
        title=view.title,
        when=view.when,
        hours=view.hours,
        issued_on=local_day(view.issued_at),
        check_code="-".join(code[at : at + 4] for at in range(0, len(code), 4)),
        verify_url=view.verify_url,
    )


def render(content: Content) -> bytes:
    """The certificate, one A4 page, with the check code as text and as a QR picture of the verifying address."""
    out = io.BytesIO()
    page = Canvas(out, pagesize=A4, invariant=True)
    page.setTitle("培训证明")
    page.setAuthor("")
    page.rect(36, 36, _WIDTH - 72, _HEIGHT - 72)
    _centred(page, 32, 700, "培训证明")
    sentence = f"{content.name} 参加“{content.title}”({content.when}),共计 {content.hours.normalize():f} 学时。"
    for line, text in enumerate(_lines(sentence)):
        _centred(page, 16, 610 - 28 * line, text)
    _centred(page, 12, 420, f"出具日期:{content.issued_on.isoformat()}")
    _qr(page, content.verify_url, top=380)
    _centred(page, 12, 210, f"校验码:{content.check_code}")
    _centred(page, 9, 190, content.verify_url)
    _centred(page, 9, 172, "扫描二维码或打开以上网址可核验本证明。")
    page.showPage()
    page.save()
    return out.getvalue()


def _centred(page: Any, size: int, height: float, text: str) -> None:
    page.setFont(_FONT, size)
    page.drawCentredString(_MIDDLE, height, text)


def _lines(text: str) -> list[str]:
    return [text[at : at + _LINE_CHARACTERS] for at in range(0, len(text), _LINE_CHARACTERS)]


def _qr(page: Any, text: str, *, top: float) -> None:
    rows = [list(row) for row in segno.make(text, error="m").matrix]
    left = _MIDDLE - len(rows) * _MODULE / 2
    for line, row in enumerate(rows):
        for column, dark in enumerate(row):
            if dark:
                page.rect(left + column * _MODULE, top - (line + 1) * _MODULE, _MODULE, _MODULE, stroke=0, fill=1)
