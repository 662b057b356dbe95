"""A phone: what `wx.request` and `wx.uploadFile` can do, and nothing else."""

import io
import uuid
from typing import Any

import pillow_heif
import requests
from PIL import Image

from tests.processes import await_true


class Phone:
    """One person's phone, logged in through the fake WeChat."""

    def __init__(self, url: str, fake_wechat_url: str, openid: str) -> None:
        self._api = f"{url}/api/v1"
        self._session = requests.Session()
        self._session.trust_env = False
        code = self._session.post(f"{fake_wechat_url}/_fake/login", json={"openid": openid}, timeout=10).json()["code"]
        answer = self.post("/auth/wechat", {"code": code}, expect=200)
        self.me: dict[str, Any] = answer["user"]
        self._session.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def get(self, path: str, *, expect: int = 200, **query: Any) -> Any:
        return self._answer(self._session.get(self._api + path, params=query, timeout=20), expect)

    def is_known(self) -> bool:
        """Whether the token is still good, asked of any of the API's processes: a kept connection is one's."""
        headers = {"Connection": "close"}
        return self._session.get(f"{self._api}/me", headers=headers, timeout=20).status_code == 200

    def post(self, path: str, body: Any, *, expect: int = 201) -> Any:
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return self._answer(self._session.post(self._api + path, json=body, headers=headers, timeout=20), expect)

    def upload(self, picture: bytes, name: str) -> str:
        """Send a picture and wait until a worker has made its variants; returns the photo's id."""
        answer = self._session.post(
            f"{self._api}/photos",
            files={"file": (name, picture)},
            headers={"Idempotency-Key": uuid.uuid4().hex},
            timeout=30,
        )
        photo = self._answer(answer, 201)
        await_true(lambda: self.get(f"/photos/{photo['id']}")["state"] != "pending", seconds=120)
        return str(photo["id"])

    def act(self, report: dict[str, Any], action: str, **needs: Any) -> dict[str, Any]:
        """Do something to a report as this person saw it; returns it as it is now."""
        assert action in report["available_actions"]
        body = {"action": action, "version": report["version"], **needs}
        done: dict[str, Any] = self.post(f"/reports/{report['id']}/actions", body, expect=200)
        return done

    @staticmethod
    def load(url: str) -> Image.Image:
        """What an `<image>` tag does: no header."""
        answer = requests.get(url, timeout=20)
        assert answer.status_code == 200, answer.text
        return Image.open(io.BytesIO(answer.content))

    @staticmethod
    def _answer(response: requests.Response, expect: int) -> Any:
        assert response.status_code == expect, f"{response.status_code}: {response.text}"
        return response.json()


def jpeg(width: int = 1600, height: int = 1200) -> bytes:
    """A picture as a camera writes it: turned by EXIF, with a camera's name in it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Camera"
    return _encoded(width, height, "JPEG", exif=exif)


def heic(width: int = 1600, height: int = 1200) -> bytes:
    """A picture as Android's "original" sends it."""
    pillow_heif.register_heif_opener()
    return _encoded(width, height, "HEIF")


def _encoded(width: int, height: int, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.effect_mandelbrot((width, height), (-2, -1.5, 1, 1.5), 40).convert("RGB").save(file, kind, **options)
    return file.getvalue()
