"""Everything is refused unless named: a route carries `@guard(Permission.X)`, and one without is never run.

The mark is an attribute of the view; the check is one hook before every request, so the order of decorators cannot
open a hole. `identity` supplies the function that turns a bearer token into an `Actor`.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, g, request

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ForbiddenError, UnauthenticatedError
from wxapi.kernel.permissions import Permission

View = TypeVar("View", bound=Callable[..., Any])
Authenticate = Callable[[str], Actor | None]
_MARK = "__permission__"


def guard(permission: Permission) -> Callable[[View], View]:
    """Name the permission a view needs."""

    def mark(view: View) -> View:
        setattr(view, _MARK, permission)
        return view

    return mark


def permission_of(view: Callable[..., Any]) -> Permission | None:
    """The permission a view was marked with; None when nobody named one."""
    return cast("Permission | None", getattr(view, _MARK, None))


def current_actor() -> Actor:
    """The signed-in person of this request."""
    return cast("Actor", g.actor)


def install(app: Flask, authenticate: Authenticate, page_actor: Callable[[], Actor | None]) -> None:
    """Check every request of the app before its view runs.

    Args:
        app: the app.
        authenticate: who holds a bearer token; asked for everything under `/api/`.
        page_actor: whose session cookie came with the request; asked for everything else.
    """

    @app.before_request
    def check() -> None:
        if request.endpoint is None:  # no such route: the router answers 404 or 405
            return
        permission = permission_of(app.view_functions[request.endpoint])
        if permission is Permission.PUBLIC:
            return
        actor = authenticate(_bearer_token()) if request.path.startswith("/api/") else page_actor()
        if actor is None:
            raise UnauthenticatedError("token_invalid", "登录已失效，请重新登录。")
        g.actor = actor
        if permission is None or not actor.may(permission):
            raise ForbiddenError("role_not_allowed", "您的身份不能进行此操作。")


def _bearer_token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 20 <= len(token) <= 200:
        raise UnauthenticatedError("token_missing", "请先登录。")
    return token
