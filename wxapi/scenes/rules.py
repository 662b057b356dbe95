"""What a mini-program code stands for, and its scene: 128 random bits, so that none can be guessed. Pure."""

import secrets
from dataclasses import dataclass

# 22 characters of base64url; WeChat takes 1–32 of a set that holds it.
_BYTES = 16


@dataclass(frozen=True, slots=True)
class SceneKind:
    """A kind of things a code can be made for; the feature whose things they are brings it."""

    code: str
    zh: str


REGION = SceneKind("region", "区域")


def new_scene() -> str:
    """A scene as `getwxacodeunlimit` takes it and the page gets it in its query."""
    return secrets.token_urlsafe(_BYTES)
