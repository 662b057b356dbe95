"""What the tables of reports have in common."""

from sqlalchemy import DateTime

At = DateTime(timezone=True)
