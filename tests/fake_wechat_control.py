"""The control side of the fake WeChat, as tests use it."""

from typing import Any

import requests


class FakeControl:
    """Orders for one running fake: `GET /_fake` there lists what it takes."""

    def __init__(self, url: str) -> None:
        self.url = url

    def order(self, method: str, name: str, **fields: Any) -> Any:
        """Send one order and return its answer."""
        with requests.Session() as session:
            session.trust_env = False
            given = {"params": fields} if method == "GET" else {"json": fields}
            answer = session.request(method, f"{self.url}/_fake/{name}", timeout=10, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def login_code(self, openid: str, **fields: Any) -> str:
        return str(self.order("POST", "login", openid=openid, **fields)["code"])

    def phone_code(self, openid: str, phone: str) -> str:
        return str(self.order("POST", "phone", openid=openid, phone=phone)["code"])

    def fault(self, path: str, **fields: Any) -> None:
        self.order("POST", "faults", path=path, **fields)

    def kill_token(self) -> None:
        self.order("POST", "kill_token")

    def calls(self, path: str) -> int:
        return int(self.order("GET", "calls")["paths"].get(path, 0))

    def answers(self) -> dict[str, int]:
        """`path errcode` → how often it was answered so."""
        return dict(self.order("GET", "calls")["answers"])

    def messages(self, openid: str) -> list[dict[str, Any]]:
        return list(self.order("GET", "messages", openid=openid)["items"])

    def reset(self) -> None:
        """No trouble on order, counts at zero, the machine's time, nothing pushed by itself."""
        for name in ("faults", "calls", "advance", "push_target"):
            self.order("DELETE", name)
