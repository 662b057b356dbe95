"""Access tokens: the stable one, the classic one, and what becomes of those replaced."""

import secrets
from dataclasses import dataclass, field

from wxapi.demo.fake_wechat.exchange import RefusedError

TOKEN_SECONDS = 7200
OVERLAP_SECONDS = 300
_FORCED_A_DAY = 20
_FORCED_APART_SECONDS = 30


@dataclass(slots=True)
class TokenDesk:
    """Which tokens are good until when. Stable and classic ones live side by side."""

    seconds: int = TOKEN_SECONDS
    good_until: dict[str, float] = field(default_factory=dict)
    stable: str = ""
    classic: str = ""
    forced_at: list[float] = field(default_factory=list)

    def give_stable(self, now: float, *, force: bool) -> tuple[str, int]:
        """The present token and the seconds it has left; a new one near the end, or when forced."""
        if force:
            self._count_forced(now)
            self.good_until.pop(self.stable, None)
        if self.good_until.get(self.stable, 0.0) - now <= min(OVERLAP_SECONDS, self.seconds / 2):
            self.stable = self._new(now)
        return self.stable, int(self.good_until[self.stable] - now)

    def give_classic(self, now: float) -> tuple[str, int]:
        """Always a new token; the former one lives on for the overlap."""
        if self.classic in self.good_until:
            self.good_until[self.classic] = min(self.good_until[self.classic], now + OVERLAP_SECONDS)
        self.classic = self._new(now)
        return self.classic, self.seconds

    def kill(self) -> None:
        """Every token given so far is refused from now on."""
        self.good_until.clear()

    def check(self, token: str | None, now: float) -> None:
        """Refuse a token that is missing, malformed, unknown or over."""
        if not token:
            raise RefusedError(41001, "access_token missing")
        if len(token) < 32 or not token.isascii():
            raise RefusedError(40014, "invalid access_token")
        if token not in self.good_until:
            raise RefusedError(40001, "invalid credential, access_token is invalid or not latest")
        if self.good_until[token] <= now:
            raise RefusedError(42001, "access_token expired")

    def _new(self, now: float) -> str:
        token = secrets.token_urlsafe(96)
        self.good_until[token] = now + self.seconds
        return token

    def _count_forced(self, now: float) -> None:
        self.forced_at = [at for at in self.forced_at if at > now - 86400]
        too_soon = bool(self.forced_at) and now - self.forced_at[-1] < _FORCED_APART_SECONDS
        if too_soon or len(self.forced_at) >= _FORCED_A_DAY:
            raise RefusedError(45009, "reach max api daily quota limit")
        self.forced_at.append(now)
