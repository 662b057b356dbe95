"""Styles and modules: read once at start, packed once, and served under names that change with their content."""

import gzip
import hashlib
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

from flask import Flask, Response

from wxapi.kernel.errors import not_found
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import guard
from wxapi.web.kit.blueprint import Pages
from wxapi.web.kit.headers import takes_gzip

_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_IMPORT = re.compile(r"""(?<=from ")(\.[^"]+)(?=")""")
PREFIX = "/assets/"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its address, and its bytes plain and packed."""

    address: str
    kind: str
    plain: bytes
    packed: bytes


class Assets:
    """All files of the rooms, by name (`kit/page.css`) and by address.

    A module's imports are rewritten to the addresses of what it imports, so a change reaches those who import it.
    """

    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources
        self._by_name: dict[str, Asset] = {}
        for name in sorted(sources):
            self._make(name)
        self._by_address = {asset.address: asset for asset in self._by_name.values()}

    def address(self, name: str) -> str:
        """The address of a file; a KeyError for one that is not there."""
        return self._by_name[name].address

    def named(self, name: str) -> Asset:
        """A file by its name."""
        return self._by_name[name]

    def at(self, address: str) -> Asset | None:
        """The file with this address."""
        return self._by_address.get(address)

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def _make(self, name: str) -> Asset:
        if name in self._by_name:
            return self._by_name[name]
        folder = posixpath.dirname(name)

        def rewritten(match: re.Match[str]) -> str:
            return self._make(posixpath.normpath(posixpath.join(folder, match.group()))).address

        plain = _IMPORT.sub(rewritten, self._sources[name]).encode()
        stem, ending = posixpath.splitext(name)
        digest = hashlib.sha256(plain).hexdigest()[:12]
        made = Asset(f"{PREFIX}{stem}.{digest}{ending}", _KINDS[ending], plain, gzip.compress(plain, 9, mtime=0))
        self._by_name[name] = made
        return made


def read_sources(room: Pages) -> Iterator[tuple[str, str]]:
    """(name, text) of a room's files."""
    folder = resources.files(room.import_name.rsplit(".", 1)[0]) / "static"
    if not folder.is_dir():
        return
    for file in folder.iterdir():
        if posixpath.splitext(file.name)[1] in _KINDS:
            yield f"{room.name}/{file.name}", file.read_text(encoding="utf-8")


def install(app: Flask, rooms: tuple[Pages, ...]) -> Assets:
    """Read the files of the rooms, and serve them for a year."""
    assets = Assets({name: text for room in rooms for name, text in read_sources(room)})
    app.jinja_env.globals["asset"] = assets.address

    @app.get(f"{PREFIX}<path:name>", endpoint="kit.asset")
    @guard(Permission.PUBLIC)
    def serve(name: str) -> Response:
        asset = assets.at(PREFIX + name)
        if asset is None:
            raise not_found()
        packed = takes_gzip()
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
        if packed:
            headers["Content-Encoding"] = "gzip"
        return Response(asset.packed if packed else asset.plain, content_type=asset.kind, headers=headers)

    return assets
