"""What a browser tells of itself and where it comes from, in words the phone's person can check. Pure."""

import ipaddress
import re

# In this order: most browsers call themselves Chrome and Safari as well.
_BROWSERS = (
    ("MicroMessenger", "微信内置浏览器"),
    ("Edg", "Edge 浏览器"),
    ("QQBrowser", "QQ 浏览器"),
    ("360SE", "360 浏览器"),
    ("360EE", "360 浏览器"),
    ("Firefox", "火狐浏览器"),
    ("Chrome", "Chrome 浏览器"),
    ("Safari", "Safari 浏览器"),
)
_SYSTEMS = (
    ("Android", "安卓"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("UOS", "统信 UOS"),
    ("Kylin", "麒麟"),
    ("Linux", "Linux"),
)
_TOLD = re.compile(r"[\w .()/;:,+-]{0,400}", re.ASCII)


def browser_of(user_agent: str) -> str:
    """`Chrome 浏览器，Windows`; what is not known is called so."""
    told = user_agent if _TOLD.fullmatch(user_agent) else ""
    browser = next((name for mark, name in _BROWSERS if mark in told), "未知浏览器")
    system = next((name for mark, name in _SYSTEMS if mark in told), "未知系统")
    return f"{browser}，{system}"


def place_of(address: str | None) -> str:
    """Where a request comes from: this machine, the office's own network, or an address of the internet."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "来源不明"
    if found.is_loopback:
        return "服务器本机"
    return f"内部网络 {found}" if found.is_private else f"互联网 {found}"
