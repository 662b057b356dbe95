"""`make pictures`: pictures of the pages for the README, taken from the demo city by a browser on this machine.

Start the demo first (`make run`); `WXAPI_PORT` says where. Writes `docs/pictures/*.webp`, under 400 KB in all.
"""

import io
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

_FOLDER = Path(__file__).resolve().parent
_SITE = f"http://127.0.0.1:{os.environ.get('WXAPI_PORT') or '8000'}"
_DESK, _LOW, _PHONE, _WALL = (1280, 800), (1280, 450), (390, 844), (1600, 900)
_LARGEST = 400 * 1024
# The browser's own words (dates of fields, buttons of files) are Chinese where its language pack is installed, on
# Debian `chromium-l10n`.
_OPTIONS = ["--headless", "--no-sandbox", "--disable-background-networking", "--no-first-run", "--lang=zh-CN"]
_NAMES = ("chromium", "google-chrome", "microsoft-edge")


def _stay(_page: Page) -> None:
    pass


def _open_case(page: Page) -> None:
    """A case in work, as the worker of its village sees it: down the map to the village, then in as its worker."""
    for _ in ("township", "village"):
        page.locator(".listed td:last-child a").first.click()
        page.wait_for_load_state("networkidle")
    region = parse_qs(urlsplit(page.url).query)["region"][0]
    page.context.clear_cookies()
    enter(page, f"worker-{region}", "/desk?state=accepted")
    page.locator(".queue tbody td.num a").first.click()
    page.wait_for_load_state("networkidle")


def _open_screen(page: Page) -> None:
    page.locator("a.main-button[href$='/screen']").first.click()
    page.locator("svg").first.wait_for()


def _ask_for_files(page: Page) -> None:
    """Two files, made by the workers while one looks on."""
    for kind in ("reports", "statistics"):
        page.locator("select[name=kind]").select_option(kind)
        page.get_by_role("button", name="生成文件").click()
        page.wait_for_load_state("networkidle")
    page.locator("a[download]").nth(1).wait_for()


@dataclass(frozen=True)
class Picture:
    """One picture: who looks at what, on a window of which size."""

    name: str
    openid: str
    path: str
    size: tuple[int, int]
    then: Callable[[Page], None] = _stay


_PICTURES = (
    Picture("queue", "supervisor-421002", "/desk", _DESK),
    Picture("case", "supervisor-421002", "/desk/map?state=accepted", _DESK, _open_case),
    Picture("map", "supervisor-421002", "/desk/map", _DESK),
    Picture("hall", "organiser-421002", "/hall", _WALL, _open_screen),
    Picture("phone", "reporter-1", "/m", _PHONE),
    Picture("panorama", "supervisor-421002", "/panorama", _DESK),
    Picture("wall", "supervisor-421002", "/panorama?wall=1", _WALL),
    Picture("statistics", "supervisor-421002", "/statistics", _DESK),
    Picture("exports", "supervisor-421002", "/exports", _LOW, _ask_for_files),
    Picture("people", "admin-4210", "/desk/people", _DESK),
    Picture("audit", "auditor-4210", "/audit", _DESK),
)


def enter(page: Page, openid: str, path: str) -> None:
    """Sign in as a demo person, and go to a page."""
    page.goto(f"{_SITE}/login?{urlencode({'next': path})}")
    page.locator("input[name=openid]").fill(openid)
    page.locator("form:has(input[name=openid]) button").click()
    page.wait_for_url(lambda address: "/login" not in address)
    page.wait_for_load_state("networkidle")


def take(browser: Browser, picture: Picture) -> bytes:
    """Sign in as a demo person, open the page, and take what the window shows."""
    width, height = picture.size
    context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
    page = context.new_page()
    enter(page, picture.openid, picture.path)
    picture.then(page)
    shot = page.screenshot()
    context.close()
    return small(shot)


def small(shot: bytes) -> bytes:
    """A picture at two thirds of its size as WebP."""
    image = Image.open(io.BytesIO(shot)).convert("RGB")
    if image.width > 1000:
        image = image.resize((960, round(image.height * 960 / image.width)), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "WEBP", quality=78, method=6)
    return out.getvalue()


def main(wanted: list[str]) -> int:
    """Take the wanted pictures (all, if none is named); 1 when they are too large together."""
    installed = os.environ.get("CHROMIUM") or next((path for name in _NAMES if (path := shutil.which(name))), None)
    if installed is None:
        print("No Chromium here: set CHROMIUM, or install it.", file=sys.stderr)
        return 1
    with sync_playwright() as play:
        language: dict[str, str | float | bool] = {**os.environ, "LANGUAGE": "zh_CN", "LANG": "zh_CN.UTF-8"}
        browser = play.chromium.launch(executable_path=installed, args=_OPTIONS, env=language)
        for picture in _PICTURES:
            if not wanted or picture.name in wanted:
                made = take(browser, picture)
                (_FOLDER / f"{picture.name}.webp").write_bytes(made)
                print(f"docs/pictures/{picture.name}.webp  {len(made) // 1024} KB", flush=True)
        browser.close()
    total = sum(path.stat().st_size for path in _FOLDER.glob("*.webp"))
    print(f"{total // 1024} KB in all")
    return 0 if total < _LARGEST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
