"""Login, tokens, phone number, session check."""

import base64
import hashlib
import hmac
import secrets

from wxapi.demo.fake_wechat.exchange import PLAIN, Answer, Call, RefusedError, done, json_answer
from wxapi.demo.fake_wechat.world import CODE_SECONDS, Code, World


def jscode2session(world: World, call: Call) -> Answer:
    """`GET /sns/jscode2session`: text/plain, and no errcode on success."""
    _check_account(world, call.query.get("appid"), call.query.get("secret"))
    if call.query.get("grant_type") != "authorization_code":
        raise RefusedError(40002, "invalid grant_type")
    code = _use_code(world, call.query.get("js_code"), phone=False)
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    world.session_keys[code.openid] = key
    world.last_seen[code.openid] = world.now()
    fields = {"openid": code.openid, "session_key": key}
    if code.unionid:
        fields["unionid"] = code.unionid
    return json_answer(fields, content_type=PLAIN)


def stable_token(world: World, call: Call) -> Answer:
    """`POST /cgi-bin/stable_token`: the same token until shortly before its end."""
    body = call.body or {}
    _check_grant_type(body.get("grant_type"))
    _check_account(world, body.get("appid"), body.get("secret"))
    token, expires_in = world.tokens.give_stable(world.now(), force=body.get("force_refresh") is True)
    return json_answer({"access_token": token, "expires_in": expires_in})


def classic_token(world: World, call: Call) -> Answer:
    """`GET /cgi-bin/token`: each call replaces the former token."""
    _check_grant_type(call.query.get("grant_type"))
    _check_account(world, call.query.get("appid"), call.query.get("secret"))
    token, expires_in = world.tokens.give_classic(world.now())
    return json_answer({"access_token": token, "expires_in": expires_in})


def phone_number(world: World, call: Call) -> Answer:
    """`POST /wxa/business/getuserphonenumber`; the country code comes as a number every other time."""
    body = call.body or {}
    code = _use_code(world, body.get("code"), phone=True)
    if body.get("openid", code.openid) != code.openid:
        raise RefusedError(40003, "invalid openid")
    country: str | int = "86" if len(world.codes) % 2 else 86
    watermark = {"timestamp": int(world.now()), "appid": world.appid}
    return done(
        phone_info={
            "phoneNumber": code.phone,
            "purePhoneNumber": code.phone,
            "countryCode": country,
            "watermark": watermark,
        }
    )


def check_session(world: World, call: Call) -> Answer:
    """`GET /wxa/checksession`: HMAC over the empty text under the session key as text."""
    key = world.session_keys.get(call.query.get("openid", ""), "")
    right = hmac.new(key.encode(), b"", hashlib.sha256).hexdigest()
    given = call.query.get("signature", "")
    if not key or call.query.get("sig_method") != "hmac_sha256" or not hmac.compare_digest(given, right):
        raise RefusedError(87009, "invalid signature")
    return done()


def _check_grant_type(grant_type: object) -> None:
    if grant_type != "client_credential":
        raise RefusedError(40002, "invalid grant_type")


def _check_account(world: World, appid: object, secret: object) -> None:
    if appid != world.appid:
        raise RefusedError(40013, "invalid appid")
    if secret != world.secret:
        raise RefusedError(40125, "invalid appsecret")


def _use_code(world: World, name: object, *, phone: bool) -> Code:
    """A code is good once, for five minutes, for its own purpose."""
    code = (world.codes.get(name) or _foreign_code(world, name, phone=phone)) if isinstance(name, str) else None
    if code is None or bool(code.phone) is not phone or world.now() - code.made_at > CODE_SECONDS:
        raise RefusedError(40029, "invalid code")
    if code.used:
        raise RefusedError(40163, "code been used")
    code.used = True
    return code


def _foreign_code(world: World, name: str, *, phone: bool) -> Code | None:
    """A login code that this fake has not made, such as DevTools'; taken only where the fake was told to."""
    if not world.any_code or not name or phone:
        return None
    named = name.removeprefix("dev:")
    if named == name:
        named = f"dev-{hashlib.sha256(name.encode()).hexdigest()[:16]}" if world.any_code == "on" else world.any_code
    return Code(named, world.now())
