"""The rotating code of a hall's screen as a picture."""

import io
from functools import lru_cache

import segno

# Modules of white around a code, as the standard asks for.
BORDER = 4


@lru_cache(maxsize=256)
def screen_svg(code: str) -> str:
    """The rotating code for a screen, without a fixed size. Kept: 200 screens ask for the same picture.

    On white whatever lies behind it: cameras before a projector do not read dark on dark.
    """
    out = io.BytesIO()
    segno.make(code, error="m").save(
        out,
        kind="svg",
        border=BORDER,
        light="#fff",
        omitsize=True,
        xmldecl=False,
        svgclass=None,
        lineclass=None,
        nl=False,
    )
    return out.getvalue().decode()
