"""Tables of reports."""

from wxapi.reports.models.around import ReportJoin, ReportJoinMark, ReportPhoto, SavedFilter
from wxapi.reports.models.history import COUNTED_SQL, ReportEvent, ReportOriginal
from wxapi.reports.models.report import DUE_SQL, OPEN_SQL, OVER_SQL, Report

__all__ = [
    "COUNTED_SQL",
    "DUE_SQL",
    "OPEN_SQL",
    "OVER_SQL",
    "Report",
    "ReportEvent",
    "ReportJoin",
    "ReportJoinMark",
    "ReportOriginal",
    "ReportPhoto",
    "SavedFilter",
]
