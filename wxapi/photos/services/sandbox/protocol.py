"""What passes between the worker and its decoder process: an answer, then how the decoding child ended. Pure.

An answer is a length, a JSON head and the variants' bytes in the head's order; the child's wait status follows.
"""

import json
import struct
from dataclasses import dataclass

from wxapi.photos.rules.photos import Developed, RejectedError, RejectionCode, Variant


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What one picture may use. `wall_seconds` stays below the job's own limit (workers/topics.py).

    Measured (docs/photos.md): the slowest pictures within the rules take 2 to 5 s of CPU, the hungriest (60 megapixels
    of WebP, of which the decoder keeps several copies) 1.0 GiB. What needs more than this is hostile.
    """

    cpu_seconds: int = 30
    wall_seconds: int = 35
    memory_bytes: int = 1536 << 20

    def as_arguments(self) -> list[str]:
        """For the decoder's command line."""
        return [str(self.cpu_seconds), str(self.wall_seconds), str(self.memory_bytes)]

    @classmethod
    def of_arguments(cls, arguments: list[str]) -> "SandboxLimits":
        """From the decoder's command line."""
        return cls(*map(int, arguments))


_HEAD = struct.Struct(">I")
_STATUS = struct.Struct(">i")


def pack_developed(made: Developed) -> bytes:
    """The answer for a picture that came out."""
    variants = [[v.name, v.width, v.height, len(v.data)] for v in made.variants]
    head = {"width": made.width, "height": made.height, "variants": variants}
    return _packed(head, b"".join(v.data for v in made.variants))


def pack_rejected(code: RejectionCode) -> bytes:
    """The answer for a picture that is refused."""
    return _packed({"rejected": code.value}, b"")


def pack_status(status: int) -> bytes:
    """What `waitpid` said of the child; ends every answer."""
    return _STATUS.pack(status)


def split_status(message: bytes) -> tuple[bytes, int]:
    """Answer and wait status.

    Raises:
        ValueError: the message ended before the status.
    """
    if len(message) < _STATUS.size:
        raise ValueError("no status")
    (status,) = _STATUS.unpack(message[-_STATUS.size :])
    return message[: -_STATUS.size], status


def unpack(answer: bytes) -> Developed:
    """The picture of an answer.

    Raises:
        RejectedError: the answer is a refusal.
    """
    (length,) = _HEAD.unpack_from(answer)
    head = json.loads(answer[_HEAD.size : _HEAD.size + length])
    if "rejected" in head:
        raise RejectedError(RejectionCode(head["rejected"]))
    variants = []
    at = _HEAD.size + length
    for name, width, height, size in head["variants"]:
        variants.append(Variant(name, width, height, answer[at : at + size]))
        at += size
    return Developed(head["width"], head["height"], tuple(variants))


def _packed(head: dict[str, object], body: bytes) -> bytes:
    text = json.dumps(head).encode()
    return _HEAD.pack(len(text)) + text + body
