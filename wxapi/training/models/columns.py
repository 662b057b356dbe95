"""Column types and checks that the tables of training share."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from sqlalchemy import CheckConstraint, DateTime, ForeignKey
from sqlalchemy.orm import mapped_column

Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
PersonId = Annotated[uuid.UUID, mapped_column(ForeignKey("users.id"))]
SessionId = Annotated[uuid.UUID, mapped_column(ForeignKey("training_sessions.id"))]


def one_of(column: str, values: Iterable[str], *, name: str) -> CheckConstraint:
    """A check that a text column holds one of the values of an enumeration."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)
