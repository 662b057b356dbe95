"""Photos: one row an upload. The files are in the object store under keys made of the id."""

import uuid
from datetime import datetime
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wxapi.platform.db import Base

IdT = TypeVar("IdT", uuid.UUID, str)


class Photo(Base):
    """A photo somebody sent. `width`, `height` (pixels, upright) and `variants` are there once it is ready.

    `variants`: name → {"width", "height", "bytes"}. `used_by_*`: the one thing (a report, an appeal) it belongs to.
    """

    __tablename__ = "photos"
    __table_args__ = (
        CheckConstraint("(state = 'rejected') = (rejection IS NOT NULL)", name="rejection_state"),
        CheckConstraint("(state = 'ready') = (variants IS NOT NULL AND width IS NOT NULL)", name="ready_state"),
        CheckConstraint("(used_by_kind IS NULL) = (used_by_id IS NULL)", name="used_by"),
        # The sweep of what nobody used.
        Index("ix_photos_unused", "created_at", postgresql_where=text("used_by_id IS NULL")),
        # Those whose job is lost are among them.
        Index("ix_photos_pending", "created_at", postgresql_where=text("state = 'pending'")),
        # What belongs to anything but a report; those of reports are found by `report_photos`.
        Index("ix_photos_used_by_id", "used_by_id", postgresql_where=text("used_by_kind <> 'report'")),
        Index("ix_photos_owner_id", "owner_id", postgresql_where=text("owner_id IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    # None: the owner had their data erased, the report keeps the picture.
    owner_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    sha256: Mapped[str] = mapped_column(Text)
    bytes: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    rejection: Mapped[str | None] = mapped_column(Text)
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    variants: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    used_by_kind: Mapped[str | None] = mapped_column(Text)
    used_by_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    judged_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PhotoFacts(Protocol):
    """What is shown of a photo: a `Photo`, or the plain values of one that were read with something else.

    An id that came as text stays text: it is shown as text, and to read and write it takes longer than all the rest.
    """

    @property
    def id(self) -> uuid.UUID | str: ...
    @property
    def owner_id(self) -> uuid.UUID | None: ...
    @property
    def sha256(self) -> str: ...
    @property
    def bytes(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def rejection(self) -> str | None: ...
    @property
    def width(self) -> int | None: ...
    @property
    def height(self) -> int | None: ...
    @property
    def variants(self) -> dict[str, Any] | None: ...


class PlainPhoto(NamedTuple, Generic[IdT]):
    """`PhotoFacts` of hot paths, in the order of `PLAIN_COLUMNS`."""

    id: IdT
    owner_id: uuid.UUID | None
    sha256: str
    bytes: int
    state: str
    rejection: str | None = None
    width: int | None = None
    height: int | None = None
    variants: dict[str, Any] | None = None


PLAIN_COLUMNS = ", ".join(f"photos.{name}" for name in PlainPhoto._fields)


def original_key(photo_id: uuid.UUID) -> str:
    """Where the uploaded bytes wait for the worker. Never signed, never served, gone once judged."""
    return f"photos/{photo_id}/original"


def variant_key(photo_id: uuid.UUID | str, name: str) -> str:
    """The key in the file store of a variant (`large`, `medium`, `thumb`)."""
    return f"photos/{photo_id}/{name}.jpg"
