"""Where an export stands. Pure."""

from enum import StrEnum

from wxapi.kernel.words import Colour


class ExportState(StrEnum):
    """From asked for to gone."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


PENDING = (ExportState.QUEUED, ExportState.RUNNING)
STATE_WORDS = {
    ExportState.QUEUED: "排队中",
    ExportState.RUNNING: "生成中",
    ExportState.READY: "可下载",
    ExportState.FAILED: "未生成",
    ExportState.CANCELLED: "已取消",
    ExportState.EXPIRED: "已过期",
}
STATE_COLOURS = {
    ExportState.QUEUED: Colour.BLUE,
    ExportState.RUNNING: Colour.BLUE,
    ExportState.READY: Colour.GREEN,
    ExportState.FAILED: Colour.RED,
}
