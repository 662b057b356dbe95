"""Scenes: which code stands for what."""

from datetime import datetime

from sqlalchemy import DateTime, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wxapi.platform.db import Base


class Scene(Base):
    """One code: made once, good for ever. `subject` is a region's code or a session's id."""

    __tablename__ = "scenes"
    __table_args__ = (UniqueConstraint("kind", "subject"),)

    scene: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # Where the picture lies in the object store; None until WeChat has drawn it.
    picture_key: Mapped[str | None] = mapped_column(Text)
