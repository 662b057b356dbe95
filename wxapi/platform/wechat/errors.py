"""What a failed call to WeChat looks like to the rest of the house.

`WeChatError` is for jobs, which decide by `error_class`; in a web request it is a 503 by itself.
Neither its text nor its chain ever holds a URL, secret, code, token or openid.
"""

from wxapi.kernel.errors import (
    DomainError,
    ForbiddenError,
    InvalidError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
)
from wxapi.platform.wechat.codes import ErrorClass

_MINUTE_SECONDS = 60
_UNAVAILABLE = "微信服务暂时不可用，请稍后再试。"


class WeChatError(UnavailableError):
    """A call failed.

    Attributes:
        path: the API, without its query.
        error_class: what to do about it.
        errcode: WeChat's code; None where no readable answer came.
        rid: WeChat's name for the request, for its support; valid 7 days.
        field: the template field WeChat complained about (47003).
        cause: why no answer came: dns, tls, proxy, refused, timeout, connection or status; None where one came.
        maybe_done: whether WeChat may have done what was asked although no answer came.
    """

    def __init__(
        self,
        path: str,
        error_class: ErrorClass,
        *,
        errcode: int | None = None,
        rid: str | None = None,
        field: str | None = None,
        cause: str | None = None,
        maybe_done: bool = False,
    ) -> None:
        super().__init__("wechat_unavailable", _UNAVAILABLE)
        self.path = path
        self.error_class = error_class
        self.errcode = errcode
        self.rid = rid
        self.field = field
        self.cause = cause
        self.maybe_done = maybe_done

    def __str__(self) -> str:
        return f"{self.path}: {self.error_class} errcode={self.errcode} rid={self.rid}"


class CircuitOpenError(WeChatError):
    """The call was not made: this API answers nothing useful for a while."""


class CodeUsedError(UnauthenticatedError):
    """40163: the login code was good and has been used, perhaps by an earlier copy of the same request."""


def login_error(error: WeChatError) -> DomainError:
    """What the person is told when a login fails."""
    if error.errcode == 40163:
        return CodeUsedError("wx_code_invalid", "登录凭证已被使用，请重新登录。")
    if error.errcode == 40226:
        return ForbiddenError("login_refused", "微信判定该账号存在风险，暂时无法登录。")
    if error.error_class is ErrorClass.CODE:
        return UnauthenticatedError("wx_code_invalid", "登录凭证无效或已过期，请重新登录。")
    return _too_often_or(error)


def phone_error(error: WeChatError) -> DomainError:
    """What the person is told when the phone number cannot be read.

    Not a 401: the person's own token is fine, only the button's code is not.
    """
    if error.error_class in {ErrorClass.CODE, ErrorClass.USER}:
        return InvalidError("phone_code_invalid", "手机号授权已失效，请重新点击获取手机号。")
    return _too_often_or(error)


def _too_often_or(error: WeChatError) -> DomainError:
    if error.error_class is ErrorClass.MINUTE:
        return TooManyRequestsError("too_many_requests", "操作人数较多，请一分钟后再试。", retry_after=_MINUTE_SECONDS)
    return error
