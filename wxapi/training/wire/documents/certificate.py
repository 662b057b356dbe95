"""An attendance certificate as PDF, with the outlines of its characters inside: every reader shows the same."""

import io
import threading
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import segno
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from wxapi.kernel.clock import local_day
from wxapi.training.rules import lettering
from wxapi.training.services.certify import CertificateView

_WIDTH, _HEIGHT = A4
_MIDDLE = _WIDTH / 2
# Points from the frame to the text.
_ROOM = _WIDTH - 2 * 72
_SENTENCE_SIZE, _LEADING = 16, 28
_SENTENCE_TOP = 610
_MODULE = 3.0
# Modules of white around the code, as the standard asks for.
_BORDER = 4
_TITLE = "培训证明"
_PAGES = "第 1 页 / 共 1 页"
_HINT = "扫描二维码或打开以上网址，可核验本证明。姓名由本人填写。"
# reportlab keeps fonts by name in one table of the process, so one certificate is drawn at a time (some 60 ms).
_FONT = "certificate"
_drawing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Content:
    """What a certificate says, and nothing else: name, title, date or year, hours."""

    name: str
    title: str
    when: str
    hours: Decimal
    issued_on: date
    check_code: str
    page_url: str

    @property
    def sentence(self) -> str:
        """The sentence of the paper: who took part in what, when, for how many credit hours."""
        hours = f"{self.hours.normalize():f}"
        return f"{self.name} 参加“{self.title}”（{self.when}），共计 {hours} 学时。"


def content_of(view: CertificateView) -> Content:
    """What the paper says of a certificate.

    Raises:
        ConflictError: `not_printable`.
    """
    code = view.check_code
    lettering.require_drawable(view.name, "姓名")
    lettering.require_drawable(view.title, "培训名称")
    return Content(
        name=view.name or "持证人",
        title=view.title,
        when=f"{view.when} 至 {view.until}" if view.until else view.when,
        hours=view.hours,
        issued_on=local_day(view.issued_at),
        check_code="-".join(code[at : at + 4] for at in range(0, len(code), 4)),
        page_url=view.page_url,
    )


def render(content: Content) -> bytes:
    """The certificate, one A4 page, with the check code as text and as a QR picture of the page that verifies it."""
    texts = _texts(content)
    font = lettering.outlines("".join(text for _, _, text in texts))
    out = io.BytesIO()
    with _drawing:
        _register(TTFont(_FONT, io.BytesIO(font)))
        page = Canvas(out, pagesize=A4, invariant=True, initialFontName="Helvetica")
        page.setTitle(_TITLE)
        page.setAuthor("")
        page.rect(36, 36, _WIDTH - 72, _HEIGHT - 72)
        for size, height, text in texts:
            page.setFont(_FONT, size)
            page.drawCentredString(_MIDDLE, height, text)
        _qr(page, content.page_url, top=390)
        page.showPage()
        page.save()
    return out.getvalue()


def _register(font: Any) -> None:
    """Make a font the one of `_FONT`: reportlab keeps the first of a name, and of a face, for ever."""
    pdfmetrics._fonts.pop(_FONT, None)  # noqa: SLF001 - there is no public way
    pdfmetrics._dynFaceNames.pop(font.face.name, None)  # noqa: SLF001
    pdfmetrics.registerFont(font)


def _texts(content: Content) -> list[tuple[int, float, str]]:
    """Size, height of the base line above the page's lower edge, and text of each line."""
    lines = lettering.lines(content.sentence, _SENTENCE_SIZE, _ROOM, whole=(content.name, content.when))
    return [
        (32, 700.0, _TITLE),
        *((_SENTENCE_SIZE, _SENTENCE_TOP - _LEADING * at, line) for at, line in enumerate(lines)),
        (12, 410.0, f"出具日期：{content.issued_on.isoformat()}"),
        (12, 210.0, f"校验码：{content.check_code}"),
        (9, 190.0, content.page_url),
        (9, 172.0, _HINT),
        (9, 52.0, _PAGES),
    ]


def _qr(page: Any, text: str, *, top: float) -> None:
    """The code on white, its quiet zone inside."""
    rows = [list(row) for row in segno.make(text, error="m").matrix_iter(border=_BORDER)]
    edge = len(rows) * _MODULE
    left = _MIDDLE - edge / 2
    page.setFillGray(1)
    page.rect(left, top - edge, edge, edge, stroke=0, fill=1)
    page.setFillGray(0)
    for line, row in enumerate(rows):
        for column, dark in enumerate(row):
            if dark:
                page.rect(left + column * _MODULE, top - (line + 1) * _MODULE, _MODULE, _MODULE, stroke=0, fill=1)
