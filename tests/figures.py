"""What must be true of every row of figures."""

from wxapi.supervision.rules.measures import Counts


def identity_holds(counts: Counts) -> bool:
    """`due = on_time + late + open_overdue + pending`."""
    return counts.due == counts.on_time + counts.late + counts.open_overdue + counts.pending
