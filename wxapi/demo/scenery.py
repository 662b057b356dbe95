"""Pictures for the demo city, drawn in code: what a courier photographs, before and after. The same every time."""

import io
from collections.abc import Callable
from functools import cache
from random import Random

from PIL import Image, ImageDraw

_SIZE = (800, 600)
# What of the street is in the picture.
_TAKEN = (80, 90, 720, 570)
_SKY, _WALL, _ROAD, _KERB = (196, 214, 230), (206, 196, 178), (120, 122, 126), (168, 168, 160)
Draw = Callable[[ImageDraw.ImageDraw, Random], None]


def _street(chance: Random) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGB", _SIZE, _SKY)
    draw = ImageDraw.Draw(picture)
    left = 0
    while left < _SIZE[0]:
        width, height = chance.randint(120, 220), chance.randint(180, 330)
        shade = chance.randint(-25, 25)
        colour = tuple(channel + shade for channel in _WALL)
        draw.rectangle((left, 380 - height, left + width, 380), fill=colour, outline=(120, 110, 100))
        for x in range(left + 20, left + width - 30, 45):
            for y in range(400 - height, 330, 60):
                draw.rectangle((x, y, x + 22, y + 30), fill=(90, 110, 130))
        left += width
    draw.rectangle((0, 380, *_SIZE), fill=_ROAD)
    draw.rectangle((0, 380, _SIZE[0], 400), fill=_KERB)
    return picture, draw


def _rubbish(draw: ImageDraw.ImageDraw, chance: Random) -> None:
    draw.rectangle((300, 330, 420, 480), fill=(40, 110, 70), outline=(20, 60, 40), width=4)
    for _ in range(60):
        x, y, r = chance.randint(240, 520), chance.randint(400, 540), chance.randint(8, 26)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(chance.randint(40, 230) for _ in range(3)))


def _bin(draw: ImageDraw.ImageDraw, _chance: Random) -> None:
    draw.rectangle((300, 330, 420, 480), fill=(40, 110, 70), outline=(20, 60, 40), width=4)
    draw.rectangle((290, 318, 430, 334), fill=(30, 90, 60))


def _manhole(draw: ImageDraw.ImageDraw, _chance: Random) -> None:
    draw.ellipse((290, 440, 510, 540), fill=(20, 20, 24), outline=(70, 70, 74), width=8)


def _cover(draw: ImageDraw.ImageDraw, _chance: Random) -> None:
    draw.ellipse((290, 440, 510, 540), fill=(86, 84, 80), outline=(60, 60, 60), width=8)
    for x in range(320, 490, 30):
        draw.line((x, 460, x, 520), fill=(60, 60, 60), width=6)


def _hoarding(draw: ImageDraw.ImageDraw, chance: Random) -> None:
    for x in range(200, 620, 70):
        draw.rectangle((x, 300, x + 64, 470), fill=(60 + chance.randint(0, 60), 110, 160), outline=(30, 60, 90))
    draw.polygon(((180, 300), (640, 260), (640, 300)), fill=(150, 80, 60))


def _pothole(draw: ImageDraw.ImageDraw, chance: Random) -> None:
    for _ in range(9):
        x, y, r = chance.randint(330, 470), chance.randint(465, 515), chance.randint(25, 60)
        draw.ellipse((x - r, y - r // 3, x + r, y + r // 3), fill=(72, 66, 60))
    draw.ellipse((350, 472, 450, 508), fill=(52, 48, 46))


def _patch(draw: ImageDraw.ImageDraw, _chance: Random) -> None:
    draw.rectangle((290, 445, 510, 535), fill=(84, 86, 90))


def _vans(draw: ImageDraw.ImageDraw, chance: Random) -> None:
    for left, colour in ((150, (222, 222, 226)), (430, (70 + chance.randint(0, 60), 90, 150))):
        draw.rectangle((left, 330, left + 230, 460), fill=colour, outline=(50, 50, 56), width=4)
        draw.rectangle((left + 20, 345, left + 90, 390), fill=(96, 122, 140))
        draw.rectangle((left + 105, 345, left + 210, 390), fill=(96, 122, 140))
        for wheel in (left + 45, left + 185):
            draw.ellipse((wheel - 28, 434, wheel + 28, 490), fill=(30, 30, 32))


def _lamp(draw: ImageDraw.ImageDraw, light: tuple[int, int, int]) -> None:
    draw.rectangle((392, 90, 404, 470), fill=(70, 74, 80))
    draw.rectangle((392, 90, 500, 100), fill=(70, 74, 80))
    draw.ellipse((470, 92, 530, 124), fill=light, outline=(50, 50, 56), width=3)


def _dark_lamp(draw: ImageDraw.ImageDraw, _chance: Random) -> None:
    _lamp(draw, (60, 62, 66))


def _lit_lamp(draw: ImageDraw.ImageDraw, _chance: Random) -> None:
    draw.polygon(((470, 110), (530, 110), (640, 560), (360, 560)), fill=(196, 188, 140))
    _lamp(draw, (255, 240, 170))


def _sofa(draw: ImageDraw.ImageDraw, _chance: Random) -> None:
    draw.rectangle((330, 210, 470, 400), fill=(96, 70, 52), outline=(60, 44, 34), width=6)
    draw.rectangle((250, 380, 550, 450), fill=(150, 60, 60), outline=(90, 34, 34), width=4)
    draw.rectangle((250, 440, 550, 500), fill=(170, 74, 74), outline=(90, 34, 34), width=4)
    for x in (230, 530):
        draw.rectangle((x, 410, x + 40, 510), fill=(140, 54, 54), outline=(90, 34, 34), width=4)


def _clean(draw: ImageDraw.ImageDraw, _chance: Random) -> None:
    for x in range(0, _SIZE[0], 120):
        draw.rectangle((x, 480, x + 60, 490), fill=(220, 220, 210))


# Class → the problem, and the same place afterwards.
SCENES: dict[str, tuple[Draw, Draw]] = {
    "E0101": (_hoarding, _clean),
    "E0102": (_rubbish, _bin),
    "E0103": (_rubbish, _clean),
    "E0110": (_pothole, _patch),
    "E0505": (_vans, _clean),
    "C0102": (_manhole, _cover),
    "C0118": (_dark_lamp, _lit_lamp),
    "X0101": (_sofa, _clean),
}


@cache
def picture(kind: str, number: int, *, after: bool = False) -> bytes:
    """A JPEG of 640 × 480 of one of a few streets: before the work, or after it."""
    chance = Random(number)  # noqa: S311 - the same street every time, nothing secret
    image, draw = _street(chance)
    before_and_after = SCENES[kind]
    before_and_after[after](draw, chance)
    out = io.BytesIO()
    image.crop(_TAKEN).save(out, "JPEG", quality=80)
    return out.getvalue()
