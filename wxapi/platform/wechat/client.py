"""The client of WeChat's server API that the product uses; see docs/wechat.md for the rules it keeps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from redis import Redis

from wxapi.kernel.clock import Clock
from wxapi.platform.wechat import metrics
from wxapi.platform.wechat.answers import read_answer, read_picture, text_of
from wxapi.platform.wechat.circuits import Circuit, Circuits
from wxapi.platform.wechat.codes import ALERTS, LOGIN_PATH, OPENS_CIRCUIT, PHONE_PATH, TOKEN_PATH, ErrorClass
from wxapi.platform.wechat.errors import WeChatError, login_error, phone_error
from wxapi.platform.wechat.shared import Shared
from wxapi.platform.wechat.tokens import AccessToken, Tokens
from wxapi.platform.wechat.transport import TIMEOUT, Reply, Transport

log = structlog.get_logger(__name__)

_LONGEST_TOKEN_SECONDS = 7200
AnswerT = TypeVar("AnswerT")
Send = Callable[[], Reply]
Read = Callable[[str, bytes], AnswerT]


@dataclass(frozen=True, slots=True)
class WeChatLogin:
    """Who logged in. `session_key` and `unionid` are not here: they are never used, so they are never kept."""

    openid: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A phone number as WeChat verified it, without the country code."""

    pure: str = field(repr=False)


class WeChatClient:
    """Calls WeChat for one mini program. Safe to share between threads and across a fork."""

    def __init__(
        self,
        base_url: str,
        appid: str,
        secret: str,
        redis: Redis,
        clock: Clock,
        *,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self._appid = appid
        self._secret = secret
        self._transport = Transport(base_url, timeout=timeout)
        shared = Shared(redis, appid)
        self._circuits = Circuits(shared, clock)
        self._tokens = Tokens(shared, self._fetch_token)

    def code_to_session(self, js_code: str) -> WeChatLogin:
        """Exchange the code of `wx.login` for who it is. One try: the code is good for one use.

        Raises:
            CodeUsedError: 40163, the code was used before (401 `wx_code_invalid`).
            UnauthenticatedError, ForbiddenError, TooManyRequestsError: as `errors.login_error` says.
            WeChatError: WeChat or our configuration is at fault (503).
        """
        query = {
            "appid": self._appid,
            "secret": self._secret,
            "js_code": js_code,
            "grant_type": "authorization_code",
        }
        try:
            answer = self._exchange(LOGIN_PATH, lambda: self._transport.get(LOGIN_PATH, query), read_answer)
            return WeChatLogin(text_of(answer, LOGIN_PATH, "openid"))
        except WeChatError as error:
            refusal = login_error(error)
        raise refusal

    def phone_number(self, code: str, openid: str) -> PhoneNumber:
        """Exchange the code of the getPhoneNumber button; WeChat checks that it belongs to `openid`.

        Raises:
            InvalidError: `phone_code_invalid`.
            TooManyRequestsError, WeChatError: as with logins.
        """
        try:
            return self._read_phone(self.call(PHONE_PATH, {"code": code, "openid": openid}))
        except WeChatError as error:
            refusal = phone_error(error)
        raise refusal

    def call(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST `body` with the access token and return WeChat's answer.

        Raises:
            WeChatError: by class; a refused token has been renewed and the call repeated once before.
        """
        return self._authorised(path, body, read_answer)

    def call_for_picture(self, path: str, body: Mapping[str, Any], *, read_s: float | None = None) -> bytes:
        """As `call`, for the APIs that answer a JPEG or PNG. `read_s`: how long to wait, where it is shorter."""
        return self._authorised(path, body, read_picture, read_s)

    def introduce(self) -> None:
        """Ask for a token and keep nothing, whatever the circuits say: whether WeChat answers and knows this account.

        Raises:
            WeChatError: `cause` where no answer came, `errcode` where WeChat refused.
        """
        read_answer(TOKEN_PATH, self._ask_for_token().content)

    def circuits(self) -> list[Circuit]:
        """The APIs that are not called for a while, for /readyz."""
        return self._circuits.all()

    def _authorised(
        self, path: str, body: Mapping[str, Any], read: Read[AnswerT], read_s: float | None = None
    ) -> AnswerT:
        token = self._tokens.get()
        try:
            return self._with_token(path, body, token, read, read_s)
        except WeChatError as error:
            if error.error_class is not ErrorClass.TOKEN:
                raise
        self._tokens.discard(token)
        try:
            return self._with_token(path, body, self._tokens.get(), read, read_s)
        except WeChatError as error:
            if error.error_class is ErrorClass.TOKEN:
                _log_failure("wechat_token_refused_twice", error, alert=True)
            raise

    def _with_token(
        self, path: str, body: Mapping[str, Any], token: str, read: Read[AnswerT], read_s: float | None
    ) -> AnswerT:
        query = {"access_token": token}
        return self._exchange(path, lambda: self._transport.post(path, query, body, read_s=read_s), read)

    def _fetch_token(self) -> AccessToken:
        answer = self._exchange(TOKEN_PATH, self._ask_for_token, read_answer)
        expires_in = answer.get("expires_in")
        if not isinstance(expires_in, int) or not 0 < expires_in <= _LONGEST_TOKEN_SECONDS:
            raise WeChatError(TOKEN_PATH, ErrorClass.BUSY)
        return AccessToken(text_of(answer, TOKEN_PATH, "access_token"), expires_in)

    def _ask_for_token(self) -> Reply:
        body = {
            "grant_type": "client_credential",
            "appid": self._appid,
            "secret": self._secret,
            "force_refresh": False,
        }
        return self._transport.post(TOKEN_PATH, {}, body)

    def _exchange(self, path: str, send: Send, read: Read[AnswerT]) -> AnswerT:
        """Send once, read the answer, and leave a trace without secrets."""
        self._circuits.check(path)
        try:
            reply = send()
            self._circuits.answered(path)
            metrics.call_seconds.labels(path).observe(reply.seconds)
            answer = read(path, reply.content)
        except WeChatError as error:
            self._note(error)
            raise
        metrics.calls.labels(path, ErrorClass.OK).inc()
        return answer

    def _note(self, error: WeChatError) -> None:
        metrics.calls.labels(error.path, error.error_class).inc()
        _log_failure("wechat_call_failed", error, alert=error.error_class in ALERTS)
        if error.error_class in OPENS_CIRCUIT:
            self._circuits.open(error)
        elif error.cause == "timeout":
            self._circuits.timed_out(error)

    def _read_phone(self, answer: Mapping[str, Any]) -> PhoneNumber:
        info = answer.get("phone_info")
        watermark = info.get("watermark") if isinstance(info, dict) else None
        if not isinstance(info, dict) or not isinstance(watermark, dict):
            raise WeChatError(PHONE_PATH, ErrorClass.BUSY)
        if watermark.get("appid") != self._appid:
            log.error("wechat_phone_of_other_app", alert=True, path=PHONE_PATH)
            raise WeChatError(PHONE_PATH, ErrorClass.BUG)
        return PhoneNumber(text_of(info, PHONE_PATH, "purePhoneNumber", limit=32))


def _log_failure(event: str, error: WeChatError, *, alert: bool) -> None:
    write = log.error if alert else log.warning
    write(
        event,
        alert=alert,
        path=error.path,
        error_class=error.error_class,
        errcode=error.errcode,
        cause=error.cause,
        rid=error.rid,
        field=error.field,
    )
