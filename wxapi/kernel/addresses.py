"""Which addresses an outgoing call that carries secrets may use."""

import ipaddress
from urllib.parse import urlsplit


def require_safe_base_url(url: str) -> str:
    """The base URL without a slash at its end, if secrets may travel there.

    https anywhere; plain http on this machine only (the fake WeChat): the query carries the AppSecret.

    Raises:
        ValueError: with a sentence that says what is wrong with the address.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("wants an address such as https://api.weixin.qq.com")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("wants a bare address: no user, query or fragment")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("wants https; plain http is for this machine only (127.0.0.1, ::1, localhost)")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host name or IP address means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
