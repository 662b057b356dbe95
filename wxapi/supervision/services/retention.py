"""How long it is known who asked for which export; its file goes before, by a job of its own."""

from wxapi.platform.retention import RetentionCategory, deleting, older
from wxapi.supervision.models import Export
from wxapi.supervision.rules.export_states import PENDING

RETENTION = (
    RetentionCategory(
        "exports",
        "who asked for which export, by which filter; the audit keeps that somebody did",
        "so that somebody sees what became of their exports",
        older(Export, Export.created_at, Export.file_key.is_(None), Export.state.not_in(PENDING)),
        deleting(Export),
        days=90,
    ),
)
