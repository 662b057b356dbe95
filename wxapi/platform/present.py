"""The request, its `g` and its app themselves: each use of Flask's proxies looks for them anew, in four calls."""

from typing import Any

from flask import Flask, Request
from flask.globals import _cv_app, _cv_request


def this_request() -> Request:
    """The request that is being answered; a LookupError where none is."""
    return _cv_request.get().request


def this_g() -> Any:
    """What is kept while the app's context lasts; a LookupError outside of one."""
    return _cv_app.get().g


def this_app() -> Flask:
    """The app; a LookupError outside its context."""
    return _cv_app.get().app
