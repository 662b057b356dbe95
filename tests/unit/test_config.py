"""A missing or silly setting stops the start with a sentence that says which and what it wants."""

import base64

import pytest

from config import Config, ConfigError, Env

KEY = base64.b64encode(bytes(32)).decode()
GOOD = {
    "WXAPI_ENV": "production",
    "DATABASE_URL": "postgresql://wx:pw@db/wxapi",
    "REDIS_URL": "redis://cache:6379/0",
    "STORAGE_URL": "file:///var/lib/wxapi",
    "WXAPI_PUBLIC_URL": "https://jz.example.cn/",
    "WECHAT_APPID": "wx0123456789abcdef",
    "WECHAT_SECRET": "very-secret-app-secret",
    "WXAPI_ENCRYPTION_KEYS": f"k2:{KEY},k1:{KEY}",
    "WXAPI_LOOKUP_KEY": KEY,
    "WXAPI_SIGNING_KEYS": KEY,
}


def test_reads_everything_and_fills_defaults() -> None:
    config = Config.from_env(GOOD)
    assert config.env is Env.PRODUCTION
    assert config.database_url == "postgresql+psycopg://wx:pw@db/wxapi"
    assert config.public_url == "https://jz.example.cn"
    assert config.wechat_base_url == "https://api.weixin.qq.com"
    assert [key.name for key in config.encryption_keys] == ["k2", "k1"]
    assert config.city_folder is None


@pytest.mark.parametrize(
    "name",
    [
        "DATABASE_URL",
        "REDIS_URL",
        "STORAGE_URL",
        "WXAPI_PUBLIC_URL",
        "WECHAT_APPID",
        "WECHAT_SECRET",
        "WXAPI_ENCRYPTION_KEYS",
        "WXAPI_LOOKUP_KEY",
        "WXAPI_SIGNING_KEYS",
    ],
)
def test_missing_setting_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is not set; it wants"):
        Config.from_env({k: v for k, v in GOOD.items() if k != name})


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_a_bucket_wants_its_keys(missing: str) -> None:
    bucket = {**GOOD, "STORAGE_URL": "s3://wxapi", "AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s"}
    assert Config.from_env(bucket).storage_url == "s3://wxapi"
    with pytest.raises(ConfigError, match=f"{missing} is not set"):
        Config.from_env({**bucket, missing: ""})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WXAPI_ENV", "staging"),
        ("DATABASE_URL", "sqlite:///x.db"),
        ("DATABASE_URL", "postgresql://"),
        ("REDIS_URL", "memcached://x"),
        ("STORAGE_URL", "file://relative"),
        ("STORAGE_URL", "s3://"),
        ("WXAPI_PUBLIC_URL", "jz.example.cn"),
        ("WXAPI_PUBLIC_URL", "https://jz.example.cn/?a=1"),
        ("WECHAT_PUSH_AES_KEY", "short"),
        ("WXAPI_ENCRYPTION_KEYS", f"k1:{KEY},k1:{KEY}"),
        ("WXAPI_ENCRYPTION_KEYS", KEY),
        ("WXAPI_LOOKUP_KEY", "!!!"),
        ("WXAPI_LOOKUP_KEY", base64.b64encode(b"short").decode()),
        ("WXAPI_TRAINING_GOALS", "default=32,street_cheif=30"),
        ("WXAPI_LOG_LEVEL", "LOUD"),
        ("WXAPI_TRUSTED_PROXIES", "-1"),
        ("WXAPI_TRUSTED_PROXIES", "many"),
        ("WXAPI_DATABASE_POOL", "0"),
        ("WXAPI_RATE_LIMITS", "yes"),
        ("WXAPI_LOGIN_LINK", "yes"),
    ],
)
def test_silly_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} cannot be used as it is; it wants"):
        Config.from_env({**GOOD, name: value})


def test_a_bad_value_is_not_repeated_since_it_may_be_a_secret() -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_env({**GOOD, "WXAPI_LOOKUP_KEY": "half-a-secret-key"})
    assert "half-a-secret-key" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", ["WECHAT_BASE_URL", "WXAPI_PUBLIC_URL"])
def test_production_refuses_plain_http_even_on_loopback(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be an https address in production"):
        Config.from_env({**GOOD, name: "http://127.0.0.1:8001"})


def test_development_takes_plain_http_on_loopback_only() -> None:
    loopback = {**GOOD, "WXAPI_ENV": "development", "WECHAT_BASE_URL": "http://127.0.0.1:8001"}
    assert Config.from_env(loopback).wechat_base_url == "http://127.0.0.1:8001"
    with pytest.raises(ConfigError, match="loopback"):
        Config.from_env({**loopback, "WECHAT_BASE_URL": "http://10.0.0.1"})


def test_secrets_stay_out_of_the_repr() -> None:
    text = repr(Config.from_env(GOOD))
    assert "very-secret" not in text
    assert "pw@" not in text
    assert KEY not in text


@pytest.mark.parametrize(
    ("changes", "offset"),
    [({}, None), ({"WXAPI_CLOCK_OFFSET_S": "0"}, 0.0), ({"WXAPI_CLOCK_OFFSET_S": "-604800"}, -604800.0)],
)
def test_a_shifted_clock_beside_the_fake(changes: dict[str, str], offset: float | None) -> None:
    beside = {"WXAPI_ENV": "development", "WECHAT_BASE_URL": "http://127.0.0.1:8001"}
    assert Config.from_env({**GOOD, **beside, **changes}).clock_offset_s == offset


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"WXAPI_ENV": "development"},
        {"WXAPI_ENV": "development", "WECHAT_BASE_URL": "https://127.0.0.1:8001"},
        {"WXAPI_ENV": "production", "WECHAT_BASE_URL": "https://localhost"},
    ],
)
def test_no_shifted_clock_beside_the_real_wechat(changes: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="WXAPI_CLOCK_OFFSET_S"):
        Config.from_env({**GOOD, **changes, "WXAPI_CLOCK_OFFSET_S": "0"})


def test_names_nobody_reads_are_noticed() -> None:
    config = Config.from_env(GOOD | {"WXAPI_TRUSTED_PROXY": "1", "WXAPI_PORT": "8000", "OTHER": "x"})
    assert config.unknown == ("WXAPI_TRUSTED_PROXY",)
