"""WeChat's error codes, sorted into the few classes that need different actions.

One table for the whole client (WeChat answers HTTP 200 whatever happened; only `errcode` tells).
Two codes mean something else on one path; they stand in `_ON_PATH`.
"""

from enum import StrEnum

LOGIN_PATH = "/sns/jscode2session"
TOKEN_PATH = "/cgi-bin/stable_token"  # noqa: S105 - a path, not a password
PHONE_PATH = "/wxa/business/getuserphonenumber"
TEXT_CHECK_PATH = "/wxa/msg_sec_check"
MEDIA_CHECK_PATH = "/wxa/media_check_async"
SUBSCRIBE_PATH = "/cgi-bin/message/subscribe/send"
QR_PATH = "/wxa/getwxacodeunlimit"


class ErrorClass(StrEnum):
    """What has to be done about an answer."""

    OK = "ok"
    TOKEN = "token"  # noqa: S105 - a class name. Fetch a new token once, repeat the call once
    BUSY = "busy"  # jobs back off and try again, a web request does not
    MINUTE = "minute"  # wait 60 s
    DAY = "day"  # stop until tomorrow
    CONFIG = "config"  # stop for 10 minutes, tell the operator
    RIGHTS = "rights"  # stop for 10 minutes, tell the operator
    CODE = "code"  # the phone fetches a new code
    USER = "user"  # a business rule about one person
    CONTENT = "content"  # keep from other people's eyes
    BUG = "bug"  # we sent something wrong: tell the developer, never repeat
    UNKNOWN = "unknown"  # never repeat, log the code and rid


_CODES: dict[ErrorClass, tuple[int, ...]] = {
    ErrorClass.OK: (0,),
    ErrorClass.TOKEN: (40001, 40014, 42001),
    ErrorClass.BUSY: (-1, 43108),
    ErrorClass.MINUTE: (45011,),
    ErrorClass.DAY: (45009,),
    ErrorClass.CONFIG: (40002, 40013, 40125, 40164, 40243, 41002, 41004, 61004),
    ErrorClass.RIGHTS: (48001, 48004, 50002, 43107),
    ErrorClass.CODE: (40029, 40163),
    ErrorClass.USER: (40003, 43104, 61010, 40226, 43101),
    ErrorClass.CONTENT: (87014,),
    ErrorClass.BUG: (41001, 40066, 40129, 40169, 43002, 43302, 44002, 47001, 47003, 40037, 41030),
}
_CLASS_OF = {code: error_class for error_class, codes in _CODES.items() for code in codes}

_ON_PATH = {
    (TOKEN_PATH, 40001): ErrorClass.CONFIG,  # here it says that the AppSecret is wrong
    (QR_PATH, 45009): ErrorClass.MINUTE,  # here it is the limit of a minute
}

# One API that answers so will not answer otherwise for a while: asking again only costs quota.
OPENS_CIRCUIT = frozenset({ErrorClass.CONFIG, ErrorClass.RIGHTS, ErrorClass.DAY})
# A person has to look at these.
ALERTS = OPENS_CIRCUIT | {ErrorClass.BUG}


def classify(path: str, errcode: int) -> ErrorClass:
    """The class of an error code as answered by `path`."""
    return _ON_PATH.get((path, errcode)) or _CLASS_OF.get(errcode, ErrorClass.UNKNOWN)
