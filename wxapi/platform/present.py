"""The request, its `g` and its app themselves: each use of Flask's proxies looks for them anew, in four calls.

They are where Flask keeps them, in the variables that its proxies read, too. Outside of a request or an app each is a
`LookupError`.
"""

from typing import Any

from flask import Flask, Request
from flask.globals import _cv_app, _cv_request


def this_request() -> Request:
    """The request that is being answered."""
    return _cv_request.get().request


def this_g() -> Any:
    """What is kept while the app's context lasts."""
    return _cv_app.get().g


def this_app() -> Flask:
    """The app of the request, command or job."""
    return _cv_app.get().app
