"""The tutorial's way: open, turn upright, make a thumbnail, save; once per size."""

import io

from PIL import Image, ImageOps


def variants(data: bytes) -> list[bytes]:
    """Large, medium and thumb of a JPEG, as JPEG."""
    made = []
    for edge in (1600, 640, 160):
        with Image.open(io.BytesIO(data)) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
            if edge == 160:
                upright = ImageOps.fit(upright, (160, 160))
            else:
                upright.thumbnail((edge, edge))
            buffer = io.BytesIO()
            upright.save(buffer, "JPEG", quality=82)
            made.append(buffer.getvalue())
    return made
