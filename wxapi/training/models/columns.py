"""Column types that the tables of training share."""

import uuid
from datetime import datetime
from typing import Annotated

from sqlalchemy import DateTime, ForeignKey
from sqlalchemy.orm import mapped_column

Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
PersonId = Annotated[uuid.UUID, mapped_column(ForeignKey("users.id"))]
SessionId = Annotated[uuid.UUID, mapped_column(ForeignKey("training_sessions.id"))]
