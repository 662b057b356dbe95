"""The demo's way in: a click plays the phone, through the control side of the fake WeChat.

It is there only where the fake WeChat is: on loopback, and never in production.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import requests

from config import Config, Env
from wxapi.identity.services import login, web_logins
from wxapi.identity.services.web_logins import LoginAttempt
from wxapi.kernel.addresses import is_loopback
from wxapi.kernel.errors import InvalidError, UnavailableError
from wxapi.platform.db import db
from wxapi.platform.runtime import runtime
from wxapi.regions.rules.levels import CODE_LENGTH, Level
from wxapi.regions.services.lookup import tree
from wxapi.units.queries import find as find_unit

_TIMEOUT_S = 5
_OPENID_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Face:
    """One of the demo's people: openid, and what they are where."""

    openid: str
    role: str
    place: str


def is_open(config: Config) -> bool:
    """Whether this is a demo."""
    return config.env is not Env.PRODUCTION and is_loopback(urlsplit(config.wechat_base_url).hostname or "")


def faces() -> Iterator[Face]:
    """One of each role, around one village, by the names every demo has."""
    yield Face("reporter-1", "网格啄木鸟（上报人）", "不任职")
    regions = tree()
    path = list(_first_village(None))
    if len(path) < 4:
        return
    city, county, township, village = path[:4]
    for name, role, code in (
        ("worker", "社区（村）工作人员", village),
        ("officer", "乡镇（街道）干部", township),
        ("chief", "街长", township),
        ("supervisor", "区县督办员", county),
        ("supervisor", "市级督办员", city),
        ("organiser", "培训组织者", county),
        ("steward", "签到员", county),
        ("admin", "管理员", city),
        ("auditor", "审计员", city),
    ):
        yield Face(f"{name}-{code}", role, regions[code].name)
    unit = find_unit(db.session(), f"{county}-cg")
    if unit is not None and unit.closed_on is None:
        yield Face(f"clerk-{unit.code}", "单位经办人", unit.name)


def _first_village(code: str | None) -> Iterator[str]:
    """The codes from a root of the tree down to the first village."""
    for region in tree().children(code):
        if len(region.code) <= CODE_LENGTH[Level.VILLAGE]:
            yield region.code
            yield from _first_village(region.code)
            return


def play_phone(openid: str, attempt: LoginAttempt, *, now: datetime) -> None:
    """Do what this person's phone would: log in at the mini program, choose the number, and go.

    Raises:
        InvalidError: not an openid.
        UnavailableError: the fake WeChat does not answer.
    """
    if not (openid.isascii() and openid.isprintable() and 0 < len(openid) <= _OPENID_LENGTH):
        raise InvalidError("openid_invalid", "请填写演示人员的 openid，如 reporter-2。")
    token = login.log_in(_login_code(openid), now=now).token
    actor, _ = login.authenticate(token, None)
    assert actor is not None
    web_logins.confirm(actor, attempt.id, attempt.number, now=now)
    login.log_out(token)


def _login_code(openid: str) -> str:
    address = f"{runtime().config.wechat_base_url}/_fake/login"
    try:
        answer = requests.post(address, json={"openid": openid}, timeout=_TIMEOUT_S)
        return str(answer.json()["code"])
    except (requests.RequestException, ValueError, KeyError) as error:
        raise UnavailableError("wechat_unavailable", "演示用的微信服务没有响应，请稍后重试。") from error
