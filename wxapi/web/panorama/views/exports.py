"""导出: ask for a file, see how far it is, load it, throw it away."""

import uuid
from typing import Any

from flask import Response, request

from wxapi.kernel.errors import DomainError
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.problems import status_of
from wxapi.platform.runtime import runtime
from wxapi.supervision.services import exports, own_exports
from wxapi.supervision.wire.exports import ExportBody, wanted_of
from wxapi.web.kit import forms, words
from wxapi.web.kit.render import fragment, page, see
from wxapi.web.panorama.blueprint import room
from wxapi.web.panorama.views.statistics import choices

_FORMATS = (("xlsx", "Excel（XLSX）"), ("csv", "CSV"), ("geojson", "GeoJSON（仅上报清单）"))
_SHOWN = 100
_DATUMS = (("gcj02", "GCJ-02（腾讯、高德地图）"), ("wgs84", "WGS-84（GPS、GIS 软件）"))


@room.get("/exports")
@guard(Permission.EXPORT)
def show_exports() -> Response:
    """My files, and the form to ask for one."""
    return page("panorama/exports.html", **_exports(), values={}, errors={}, sentence=None)


@room.get("/exports/rows")
@guard(Permission.EXPORT)
def refresh_exports() -> Response:
    """What changes of the page while a file is made."""
    return fragment("panorama/export_rows.html", **_exports())


@room.post("/exports")
@guard(Permission.EXPORT)
def ask_export() -> Response:
    """Ask for a file; a refusal keeps what was chosen."""
    values = forms.filled("kind", "format", "region", "from", "to", "coord_type")
    try:
        chosen = {name: values[name] for name in ("region", "from", "to") if name in values}
        body: dict[str, Any] = {name: values[name] for name in ("kind", "format", "coord_type") if name in values}
        wanted = wanted_of(forms.load(ExportBody, {**body, "filter": chosen}))
        exports.ask(current_actor(), wanted, now=runtime().clock.now())
    except DomainError as error:
        return page(
            "panorama/exports.html",
            status=status_of(error),
            **_exports(),
            values=values,
            errors=error.fields,
            sentence=error.detail,
        )
    return see("/exports")


@room.post("/exports/<uuid:export_id>/delete")
@guard(Permission.EXPORT)
def delete_export(export_id: uuid.UUID) -> Response:
    """Take one back, or throw its file away."""
    exports.cancel(current_actor(), export_id, now=runtime().clock.now())
    return see("/exports")


def _exports() -> dict[str, Any]:
    storage = runtime().storage
    rows = own_exports.list_exports(current_actor(), now=runtime().clock.now(), limit=_SHOWN).items
    return {
        "rows": rows,
        "shown": _SHOWN,
        "links": {row.id: storage.signed_url(row.file_key) for row in rows if row.file_key},
        "kinds": words.names("export_kinds"),
        "failures": words.names("export_failures"),
        "kind_choices": list(words.names("export_kinds").items()),
        "format_choices": _FORMATS,
        "datum_choices": _DATUMS,
        "kept_days": runtime().config.export_days,
        "at_once": exports.AT_ONCE,
        "regions": choices() if request.path == "/exports" else [],
    }
