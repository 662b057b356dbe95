"""Decisions about people: kinds, masks, how long a token lives. Pure."""

from datetime import timedelta
from enum import StrEnum

from wxapi.kernel.words import Colour

TOKEN_IDLE = timedelta(days=30)
# `last_used_at` is written at most this often, so that reading costs no write.
TOUCH_AFTER = timedelta(hours=1)
# A login code repeated within this time gets the first answer again.
LOGIN_REPEAT_S = 60
NICKNAME_MAX = 30
# A browser's session: what it may lie idle, and what it lives at most.
WEB_IDLE = timedelta(hours=8)
WEB_MAX_AGE = timedelta(days=7)
# `last_used_at` of a session is written at most this often.
WEB_TOUCH_AFTER = timedelta(minutes=5)
# How long somebody who left an office is still kept from complaints about it: two years.
TIED_FOR = timedelta(days=730)
# A login attempt of a browser, from the code on its screen to the phone's word.
WEB_LOGIN_LIFE = timedelta(seconds=120)
# How long the phone's word (a login, or a confirmation) is good for changing who holds which office.
CONFIRMED_FOR = timedelta(minutes=15)
# A stand-in is for a time: a leave, a course, a post that is to be filled.
STAND_IN_MOST = timedelta(days=366)

# What a code on a slip is good for: long enough to be handed out in a meeting and used after a holiday.
INVITED_FOR = timedelta(days=30)
# How long the file of a list that was only checked is kept, to be written without being sent again.
IMPORT_FILE_KEPT = timedelta(days=1)


class ImportState(StrEnum):
    """How far a list of people has come."""

    QUEUED = "queued"
    RUNNING = "running"
    CHECKED = "checked"  # a dry run that found no fault
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # checked, and its file forgotten


IMPORT_PENDING = (ImportState.QUEUED, ImportState.RUNNING)
DEVICE_NAMES = {"phone": "手机", "browser": "浏览器"}
IMPORT_WORDS = {
    ImportState.QUEUED: "排队中",
    ImportState.RUNNING: "处理中",
    ImportState.CHECKED: "检查通过",
    ImportState.DONE: "已导入",
    ImportState.FAILED: "未导入",
    ImportState.CANCELLED: "已取消",
    ImportState.EXPIRED: "已过期",
}
IMPORT_COLOURS = {
    ImportState.QUEUED: Colour.BLUE,
    ImportState.RUNNING: Colour.BLUE,
    ImportState.CHECKED: Colour.AMBER,
    ImportState.DONE: Colour.GREEN,
    ImportState.FAILED: Colour.RED,
}


class PersonKind(StrEnum):
    """What reporters say of themselves; it gives no rights."""

    COURIER = "courier"
    RIDER = "rider"
    PARTY_MEMBER = "party_member"
    VOLUNTEER = "volunteer"
    GRID_WORKER = "grid_worker"
    RESIDENT = "resident"


KIND_NAMES = {
    PersonKind.COURIER: "快递员",
    PersonKind.RIDER: "外卖骑手",
    PersonKind.PARTY_MEMBER: "党员",
    PersonKind.VOLUNTEER: "志愿者",
    PersonKind.GRID_WORKER: "网格员",
    PersonKind.RESIDENT: "居民",
}


class WebLoginState(StrEnum):
    """How far a browser's login attempt has come."""

    WAITING = "waiting"
    GRANTED = "granted"  # by the phone; the browser has not fetched its session yet
    ENDED = "ended"  # used, refused, or ended by a wrong number


def mask_phone(phone: str) -> str:
    """`138****1234`: enough to recognise one's own number."""
    if len(phone) < 7:
        return "*" * len(phone)
    return f"{phone[:3]}{'*' * (len(phone) - 7)}{phone[-4:]}"
