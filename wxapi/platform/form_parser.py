"""Forms that cannot be read are refused. Werkzeug takes one for an empty form, or, if it is long, for one too large."""

from typing import IO, Any

from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

Parsed = tuple[IO[bytes], Any, Any]


class StrictFormParser(FormDataParser):
    """Says of a form whether it is one: boundary, heads of parts, end, and UTF-8 where it is sent as an address is."""

    def parse(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> Parsed:
        """Read a form.

        Raises:
            BadRequest: it is no form.
            RequestEntityTooLarge: it is one, and a field or the number of parts is too large.
        """
        self.silent = False
        seen, files = _Head(stream), self._noted()
        try:
            return super().parse(seen, mimetype, content_length, options)  # type: ignore[arg-type]  # it is only read
        except (ValueError, HTTPException) as error:
            for file in files:
                file.close()
            if isinstance(error, ValueError) or _has_no_boundary(error, seen, options):
                raise BadRequest from error
            raise

    def _noted(self) -> list[IO[bytes]]:
        """The files of parts, as they are begun: nobody else closes them when a later part is no good."""
        begin, files = self.stream_factory, list[IO[bytes]]()

        def noted(*args: Any, **kwargs: Any) -> IO[bytes]:
            files.append(begin(*args, **kwargs))
            return files[-1]

        self.stream_factory = noted
        return files


def _has_no_boundary(error: HTTPException, seen: "_Head", options: dict[str, str] | None) -> bool:
    """Whether a form is called too large only because werkzeug looked for its first boundary so far."""
    boundary = f"--{(options or {}).get('boundary', '')}".encode()
    return isinstance(error, RequestEntityTooLarge) and boundary not in seen.head


class _Head:
    """A body as it is read, and what came first of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.head = b""

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.head = self.head or data
        return data
