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
KIND_WORDS = {"reports": "上报清单", "duties": "应办事项", "statistics": "统计表"}
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


class ExportFailure(StrEnum):
    """Why a file was not made; an export that no longer passes its own check bears that refusal's code instead."""

    RIGHTS_CHANGED = "rights_changed"
    TOO_MANY_ROWS = "too_many_rows"
    GIVEN_UP = "given_up"


FAILURE_WORDS = {
    ExportFailure.RIGHTS_CHANGED: "权限已变更，请重新申请",
    ExportFailure.TOO_MANY_ROWS: "超过 Excel 行数上限，请改用 CSV 或缩小范围",
    ExportFailure.GIVEN_UP: "系统未能生成文件，请重新申请",
}
