"""What a mini-program code stands for, and its scene: 128 random bits, so that none can be guessed. Pure."""

import secrets
from enum import StrEnum

# 22 characters of base64url; WeChat takes 1–32 of a set that holds it.
_BYTES = 16


class Kind(StrEnum):
    """Things a code can be made for."""

    REGION = "region"
    TRAINING_SESSION = "training_session"


def new_scene() -> str:
    """A scene as `getwxacodeunlimit` takes it and the page gets it in its query."""
    return secrets.token_urlsafe(_BYTES)
