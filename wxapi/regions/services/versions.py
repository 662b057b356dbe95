"""One change of the regions at a time, and the version by which every process learns of it."""

from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from wxapi.kernel.errors import ConflictError
from wxapi.regions.models import RegionVersion
from wxapi.regions.services.snapshot import regions_cache


def hold_changes(session: Session) -> None:
    """One change at a time: the next one must check against what this one writes.

    Raises:
        ConflictError: `import_running`.
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtext("regions.import")))):
        raise ConflictError("import_running", "另一个导入正在进行，请等它结束后再试。")
    # A province is checked for minutes between two statements.
    session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


def new_version(session: Session, *, regions: int, boundaries: int, now: datetime) -> int:
    """Note a change; returns the version. From here on the transaction itself sees the regions as it leaves them."""
    row = RegionVersion(imported_at=now, regions=regions, boundaries=boundaries)
    session.add(row)
    session.flush()
    regions_cache().expire()
    return row.id
