"""What every answer of the pages says to the browser, and how little one says when nothing is new."""

import gzip
from urllib.parse import urlsplit

from flask import Flask, Response, request

from wxapi.platform.flask_app import where
from wxapi.platform.present import this_request
from wxapi.platform.runtime import Runtime
from wxapi.web.kit.blueprint import may_be_of_page

_FIXED = {
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_OF_A_304 = frozenset({"etag", "cache-control", "vary", "date"})
_WORTH_PACKING = 800


def install(app: Flask, parts: Runtime) -> None:
    """Install the hook that has the last word. Call before every other: these hooks run in reverse order."""
    said = [*_FIXED.items(), ("Content-Security-Policy", _policy(parts))]

    @app.after_request
    @where(may_be_of_page)
    def finish(response: Response) -> Response:
        if this_request().endpoint is None and response.mimetype != "text/html":
            return response
        if response.status_code == 304:
            for name in [name for name, _ in response.headers if name.lower() not in _OF_A_304]:
                del response.headers[name]
            return response
        # Straight into their list: nobody else says any of them.
        response.headers._list += said  # noqa: SLF001
        _pack(response)
        return response


def conditional(response: Response) -> None:
    """Give a page or fragment its ETag, and send 304 to whom has it."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Cookie, Accept-Encoding"
    response.add_etag(weak=True)
    response.make_conditional(request)


def takes_gzip() -> bool:
    """Whether who asks unpacks gzip; `gzip;q=0` says that they do not."""
    return request.accept_encodings.quality("gzip") > 0


def _policy(parts: Runtime) -> str:
    pictures = " ".join(("'self'", "data:", "blob:", *_foreign_store(parts)))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        f"img-src {pictures}; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


def _foreign_store(parts: Runtime) -> tuple[str, ...]:
    """The address photos come from, unless it is this one."""
    store = _origin(parts.storage.signed_url("origin"))
    return () if store == _origin(parts.config.public_url) else (store,)


def _origin(address: str) -> str:
    split = urlsplit(address)
    return f"{split.scheme}://{split.netloc}"


def _pack(response: Response) -> None:
    packed_already = "Content-Encoding" in response.headers
    if packed_already or response.direct_passthrough or not takes_gzip():
        return
    data = response.get_data()
    if len(data) >= _WORTH_PACKING and response.mimetype in {"text/html", "application/json"}:
        response.set_data(gzip.compress(data, 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
        response.vary.add("Accept-Encoding")
