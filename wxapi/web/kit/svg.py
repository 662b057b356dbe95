"""Pictures drawn by the server. No `style` and no script in them, so that they stand in any page."""

import io
from functools import lru_cache

import segno
from markupsafe import Markup

# Modules of white around a code, as the standard asks for; readers fail at a dark border.
QUIET = 4


@lru_cache(maxsize=64)
def qr(text: str, *, error: str = "m") -> Markup:
    """The QR code of a text as one `<svg>` without a size: the page's style gives it one."""
    out = io.BytesIO()
    segno.make(text, error=error, micro=False).save(
        out,
        kind="svg",
        border=QUIET,
        omitsize=True,
        xmldecl=False,
        svgns=False,
        svgclass="qr",
        lineclass=None,
        nl=False,
        dark="#000",
        light="#fff",
    )
    # Made of a matrix of modules: nothing of the text stands in it.
    return Markup(out.getvalue().decode())  # noqa: S704
