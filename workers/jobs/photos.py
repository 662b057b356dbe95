"""Photos: develop what was uploaded, remove what nobody has a use for."""

import uuid

from wxapi.photos import service
from wxapi.platform.runtime import runtime


def develop_photo(photo_id: str) -> None:
    """Make the variants of an uploaded photo, or reject it."""
    service.develop(uuid.UUID(photo_id), now=runtime().clock.now())


def remove_photo(photo_id: str) -> None:
    """Delete the files of a photo whose row is gone."""
    service.remove_files(uuid.UUID(photo_id))


def sweep_unused_photos() -> None:
    """Forget photos that nothing used for 48 hours."""
    while service.sweep_unused(now=runtime().clock.now()) == service.SWEEP_BATCH:
        pass
