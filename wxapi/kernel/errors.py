"""What can go wrong, said once: a stable English code for programs, a Chinese sentence for people.

The class of an error alone decides its HTTP status, in one place above.
"""

from collections.abc import Mapping
from typing import Any


class DomainError(Exception):
    """Base of every refusal the product makes on purpose.

    Args:
        code: stable, snake_case, part of the contract.
        detail: a sentence in Chinese for the person who reads it.
        fields: field name → sentences, for errors of input.
        extra: further members of the problem document, such as the present `version`.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        fields: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.fields = dict(fields or {})
        self.extra = dict(extra or {})


class MalformedError(DomainError):
    """The request cannot be read (400)."""


class UnauthenticatedError(DomainError):
    """No token, or a dead one (401)."""


class ForbiddenError(DomainError):
    """This person's roles may not do this kind of thing (403)."""


class NotFoundError(DomainError):
    """Not there, or outside one's scope: the two are never told apart (404)."""


class ConflictError(DomainError):
    """At odds with the present state (409)."""


class GoneError(DomainError):
    """It was good once (410)."""


class TooLargeError(DomainError):
    """More bytes than the limit (413)."""


class UnsupportedMediaError(DomainError):
    """Not a kind of content that is taken here (415)."""


class InvalidError(DomainError):
    """Understood, but not valid (422)."""


class TooManyRequestsError(DomainError):
    """Too often (429). `retry_after` in seconds."""

    def __init__(self, code: str, detail: str, *, retry_after: int) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


class UnavailableError(DomainError):
    """A part that is needed is away (503). `retry_after` in seconds."""

    def __init__(self, code: str, detail: str, *, retry_after: int = 5) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


def storage_unavailable() -> UnavailableError:
    """No file can be kept or read now."""
    return UnavailableError("storage_unavailable", "文件暂时无法存取，请稍后再试。", retry_after=30)


def not_found() -> NotFoundError:
    """The one answer for what is not there and for what is outside one's scope."""
    return NotFoundError("not_found", "内容不存在，或您无权查看。")


def version_conflict(*, version: int, state: str) -> ConflictError:
    """Someone was faster; the answer carries what is true now."""
    return ConflictError(
        "version_conflict", "内容已被他人更新，请核对最新内容后再操作。", extra={"version": version, "state": state}
    )
