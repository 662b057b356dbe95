import pytest

from wxapi.kernel.addresses import is_loopback, require_safe_base_url


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.weixin.qq.com", "https://api.weixin.qq.com"),
        ("https://api.weixin.qq.com/", "https://api.weixin.qq.com"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("http://127.9.9.9:1/fake/", "http://127.9.9.9:1/fake"),
        ("http://[::1]:8001", "http://[::1]:8001"),
        ("http://localhost:8001", "http://localhost:8001"),
    ],
)
def test_safe_addresses(url: str, kept: str) -> None:
    assert require_safe_base_url(url) == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://api.weixin.qq.com",
        "http://10.0.0.1",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org",
        "http://0.0.0.0",
        "ftp://127.0.0.1",
        "api.weixin.qq.com",
        "",
        "https://",
        "https://user:pw@api.weixin.qq.com",
        "https://api.weixin.qq.com?x=1",
        "https://api.weixin.qq.com#x",
    ],
)
def test_addresses_that_would_show_the_secret(url: str) -> None:
    with pytest.raises(ValueError, match="wants"):
        require_safe_base_url(url)


def test_loopback() -> None:
    assert is_loopback("127.1.2.3")
    assert not is_loopback("192.168.0.1")
