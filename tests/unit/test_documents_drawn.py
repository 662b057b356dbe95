"""What leaves the house on paper, rendered and read back: certificates, posters, the code on the screen."""

import io
import re
import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree as ET

import pypdf
import pypdfium2
import pytest
import zxingcpp
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from wxapi.kernel.clock import SHANGHAI
from wxapi.kernel.errors import ConflictError
from wxapi.training.models import TrainingSession
from wxapi.training.rules import lettering
from wxapi.training.wire.documents import certificate, poster, qr

PAGE = "https://host.example/c/0123456789ABCDEF"
SESSION_PAGE = "https://host.example/t/5d3c1e0e-7a51-4f0e-9a55-0c7c3a2d1b11"
START = datetime(2026, 11, 27, 6, 46, tzinfo=SHANGHAI)
LONG = "社区消防安全与电动自行车充电管理专题培训暨网格员Grid Worker能力提升（第3期）" * 3
CHINESE = st.text(
    st.sampled_from("党课开讲啦社区消防安全网格员培训，。（）“”：·2026-11-27 06:46 Grid"), min_size=1, max_size=100
)


def paper(**changes: object) -> certificate.Content:
    values: dict[str, object] = {
        "name": "阿依古丽·买买提",
        "title": "党课开讲啦",
        "when": "2026-12-31 至 2027-01-04",
        "hours": Decimal("2.5"),
        "issued_on": date(2027, 1, 5),
        "check_code": "0123-4567-89AB-CDEF",
        "page_url": PAGE,
    }
    return certificate.Content(**{**values, **changes})  # type: ignore[arg-type]


def session(**changes: object) -> TrainingSession:
    values: dict[str, object] = {
        "id": uuid.uuid4(),
        "title": "党课开讲啦",
        "place": "社区党群服务中心三楼大会议室",
        "starts_at": START,
        "ends_at": START + timedelta(hours=2),
        "state": "published",
    }
    return TrainingSession(**{**values, **changes})


def picture_of(pdf: bytes) -> Image.Image:
    document = pypdfium2.PdfDocument(pdf)
    try:
        assert len(document) == 1
        return document[0].render(scale=2).to_pil().convert("L")
    finally:
        document.close()


def read_by_both(pdf: bytes) -> list[str]:
    """The text as pypdf and as PDFium find it, without white space."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        page = document[0].get_textpage().get_text_bounded()
    finally:
        document.close()
    texts = [pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text(), page]
    return [re.sub(r"\s", "", text) for text in texts]


@pytest.mark.parametrize("title", ["党课开讲啦", LONG[:100]])
def test_two_readers_find_every_word_of_a_certificate(title: str) -> None:
    content = paper(title=title)
    for text in read_by_both(certificate.render(content)):
        for words in (content.sentence, "培训证明", "第1页/共1页", "校验码：0123-4567-89AB-CDEF", PAGE):
            assert re.sub(r"\s", "", words) in text


def test_the_font_is_inside_and_small() -> None:
    pdf = certificate.render(paper(title=LONG[:100]))
    assert len(pdf) < 60_000
    fonts = pypdf.PdfReader(io.BytesIO(pdf)).pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    used = [font.get_object() for font in fonts.values()]
    assert all("/FontFile2" in font["/FontDescriptor"] for font in used if font["/BaseFont"] != "/Helvetica")
    assert [font for font in used if "NotoSansSC" in font["/BaseFont"]]


def test_a_certificate_leads_to_a_page() -> None:
    found = zxingcpp.read_barcodes(picture_of(certificate.render(paper())))
    assert [code.text for code in found] == [PAGE]


def test_a_certificate_shows_its_name() -> None:
    """Two names differ in the picture, where the name stands and nowhere below."""
    one, other = (picture_of(certificate.render(paper(name=name))) for name in ("张三", "李四"))
    box = ImageChops.difference(one, other).getbbox()
    assert box is not None
    assert box[3] < one.height * 0.35


@pytest.mark.parametrize("name", ["𠮷云", "😀", "ئالىم", "བསོད", "ꀀꀁ"])
def test_what_cannot_be_drawn_is_said(name: str) -> None:
    with pytest.raises(ConflictError) as refused:
        lettering.require_drawable(name, "姓名")
    assert name[0] in refused.value.detail
    assert refused.value.code == "not_printable"


def test_a_mark_that_chooses_a_form_of_a_character_is_neither_missing_nor_drawn() -> None:
    lettering.require_drawable("张三\ufe0f", "姓名")
    assert lettering.lines("张三\ufe0f参加", 16, 400, whole=["张三\ufe0f"]) == ["张三参加"]


@given(CHINESE)
def test_lines_keep_everything_and_fit(text: str) -> None:
    lines = lettering.lines(text, 22, 300)
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)
    assert all(lettering.width(line, 22) <= 300 for line in lines)


@given(st.text(st.sampled_from("党课开讲啦社区"), max_size=60))
def test_a_date_and_a_name_are_never_torn(before: str) -> None:
    lines = lettering.lines(f"{before}云·艾力（2026-12-31），06:46–08:41", 16, 200, whole=["云·艾力"])
    for piece in ("云·艾力", "2026-12-31", "06:46–08:41"):
        assert any(piece in line for line in lines)


def test_no_line_begins_with_a_closing_mark() -> None:
    for room in range(60, 400, 7):
        assert not [line for line in lettering.lines("参加培训，共计学时。" * 5, 16, room)[1:] if line[0] in "，。"]


def test_outlines_hold_the_characters_asked_for() -> None:
    font = TTFont(io.BytesIO(lettering.outlines("党课·A1")))
    assert set(font.getBestCmap()) == {ord(character) for character in "党课·A1"}


@pytest.mark.parametrize("state", ["published", "cancelled"])
@settings(deadline=None)  # a busy machine draws slowly
@given(title=CHINESE, place=CHINESE)
def test_nothing_on_a_poster_overlaps(state: str, title: str, place: str) -> None:
    made = poster.layout(session(title=title, place=place, state=state), SESSION_PAGE)
    boxes = [(line.base - line.size, line.base + line.size * 0.3) for line in made.lines]
    boxes.append((made.code_top, made.code_top + 380))
    boxes.sort()
    assert all(one[1] <= other[0] for one, other in pairwise(boxes))
    assert boxes[0][0] >= 0
    assert boxes[-1][1] <= made.height
    assert all(lettering.width(line.text, line.size) <= 500 for line in made.lines)


@pytest.mark.parametrize(
    ("lasts", "said"),
    [
        (timedelta(hours=2), "2026-11-27 06:46–08:46"),
        (timedelta(hours=18), "2026-11-27 06:46 至 2026-11-28 00:46"),
        (timedelta(days=40), "2026-11-27 06:46 至 2027-01-06 06:46"),
    ],
)
def test_a_poster_says_when_it_ends(lasts: timedelta, said: str) -> None:
    made = poster.layout(session(ends_at=START + lasts), SESSION_PAGE)
    assert said.replace(" ", "") in "".join(line.text for line in made.lines).replace(" ", "")


def test_a_cancelled_session_invites_nobody() -> None:
    texts = [line.text for line in poster.layout(session(state="cancelled"), SESSION_PAGE).lines]
    assert texts[0] == "已取消"
    assert "微信扫码报名" not in texts


@pytest.mark.parametrize("title", ["党课开讲啦", LONG[:100], "党课\uffff一<&>"])
def test_a_poster_is_read_back(title: str) -> None:
    made = poster.layout(session(title=title), SESSION_PAGE)
    root = ET.fromstring(poster.svg(made))
    drawn = "".join(text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text"))
    assert title.replace("\uffff", "").replace(" ", "") in drawn.replace(" ", "")
    picture = Image.open(io.BytesIO(poster.png(made)))
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [SESSION_PAGE]
    # Text is drawn above and below the code, and nothing at the edges.
    ink = ImageChops.invert(picture.convert("L"))
    assert ink.crop((0, 0, ink.width, round(made.code_top * 3))).getbbox() is not None
    assert ink.crop((0, 0, 100, ink.height)).getbbox() is None
    assert ink.crop((ink.width - 100, 0, ink.width, ink.height)).getbbox() is None


def test_the_screens_code_brings_its_own_white() -> None:
    root = ET.fromstring(qr.screen_svg("TS1.abc"))
    edge = root.attrib["viewBox"].split()[2]
    ground = next(iter(root))
    assert ground.attrib["fill"] == "#fff"
    assert ground.attrib["d"] == f"M0 0h{edge}v{edge}h-{edge}z"
