"""Pictures for the demo city, drawn in code: what a courier photographs, before and after. The same every time."""

import io
from collections.abc import Callable
from random import Random

from PIL import Image, ImageDraw

_SIZE = (800, 600)
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


def _clean(draw: ImageDraw.ImageDraw, _chance: Random) -> None:
    for x in range(0, _SIZE[0], 120):
        draw.rectangle((x, 480, x + 60, 490), fill=(220, 220, 210))


# Class → the problem, and the same place afterwards.
SCENES: dict[str, tuple[Draw, Draw]] = {
    "E0101": (_hoarding, _clean),
    "E0102": (_rubbish, _bin),
    "E0103": (_rubbish, _clean),
    "C0102": (_manhole, _cover),
}


def picture(kind: str, number: int, *, after: bool = False) -> bytes:
    """A JPEG of 800 × 600 of one of a few streets: before the work, or after it."""
    chance = Random(number)  # noqa: S311 - the same street every time, nothing secret
    image, draw = _street(chance)
    before_and_after = SCENES.get(kind, (_rubbish, _clean))
    before_and_after[after](draw, chance)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()
