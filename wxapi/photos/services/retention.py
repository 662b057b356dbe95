"""How long photos are kept that belong to nothing. Those of reports are forgotten with them."""

from wxapi.photos.models import Photo
from wxapi.photos.rules.photos import UNUSED_AFTER
from wxapi.platform.retention import RetentionCategory, older

RETENTION = (
    RetentionCategory(
        "unused_photos",
        "photos that no report took",
        "a report may still be sent",
        older(Photo, Photo.created_at, Photo.used_by_id.is_(None)),
        fixed=UNUSED_AFTER,
    ),
)
