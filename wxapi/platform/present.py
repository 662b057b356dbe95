"""The request, its `g` and its app themselves: each use of Flask's proxies looks for them anew, in four calls."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request, current_app, g, request

this_request: Callable[[], Request] = request._get_current_object  # type: ignore[attr-defined]  # noqa: SLF001
this_g: Callable[[], Any] = g._get_current_object  # noqa: SLF001
this_app: Callable[[], Flask] = current_app._get_current_object  # type: ignore[attr-defined]  # noqa: SLF001
