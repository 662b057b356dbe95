"""Everything is refused unless named: a route carries `@guard(Permission.X)`, and one without is never run.

The mark is an attribute of the view; the check is one hook before every request, so the order of decorators cannot
open a hole. `identity` supplies the function that turns a bearer token into an `Actor`, and the one that says, inside
the writing transaction, whether it still holds.
"""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

from flask import Flask
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ForbiddenError, UnauthenticatedError, UnavailableError
from wxapi.kernel.permissions import Permission
from wxapi.platform import db
from wxapi.platform.front import KEY
from wxapi.platform.present import Request, this_app, this_request

ViewT = TypeVar("ViewT", bound=Callable[..., Any])
# (token, the request's `Idempotency-Key` or None) → who holds the token, and whether they used the key before.
Authenticate = Callable[[str, str | None], tuple[Actor | None, bool]]
# `anew`: whatever is known of this request already.
PageActor = Callable[..., Actor | None]


class _Who(Protocol):
    def __call__(self, asked: Request, *, anew: bool) -> Actor | None: ...


class Confirm(Protocol):
    """Whether what an Actor says is still true, locking the rows of some people; `later`: asked by `write_later`."""

    def __call__(self, session: Session, actor: Actor | None, locking: Collection[Any], *, later: bool) -> bool: ...


_MARK = "__permission__"
_JUDGED = "__judged_again__"
_WHO = "wxapi.who"
# Rights that change under three tries in a row are not worth a fourth.
TRIES = 3


class RightsChangedError(Exception):
    """What the signed-in person may do is not what it was when the request was let in."""


def guard(permission: Permission) -> Callable[[ViewT], ViewT]:
    """Name the permission a view needs."""

    def mark(view: ViewT) -> ViewT:
        setattr(view, _MARK, permission)
        return view

    return mark


def permission_of(view: Callable[..., Any]) -> Permission | None:
    """The permission a view was marked with; None when nobody named one."""
    return cast("Permission | None", getattr(view, _MARK, None))


def current_actor() -> Actor:
    """The signed-in person of this request."""
    return this_request().actor  # type: ignore[return-value]  # a view that names a permission has one


def key_is_new() -> bool:
    """Whether this request's person came without an `Idempotency-Key`, or with one not used before, as far as seen."""
    return this_request().key_was_used is False


def install(app: Flask, authenticate: Authenticate, page_actor: PageActor, confirm: Confirm) -> None:
    """Check every request of the app before its view runs, and again at the beginning of what it writes.

    Args:
        app: the app.
        authenticate: who holds a bearer token; asked for everything under `/api/`.
        page_actor: whose session cookie came with the request; asked for everything else.
        confirm: whether an Actor's rights are still what they were.
    """

    def who(asked: Request, *, anew: bool) -> Actor | None:
        if not asked.path.startswith("/api/"):
            return page_actor(anew=anew)
        # The token and the key in one look.
        actor, asked.key_was_used = authenticate(_bearer_token(asked), asked.environ.get(KEY))
        return actor

    @app.before_request
    def check() -> None:
        asked = this_request()
        endpoint = asked.endpoint
        if endpoint is None:  # no such route: the router answers 404 or 405
            return
        permission = permission_of(app.view_functions[endpoint])
        if permission is not Permission.PUBLIC:
            _admit(asked, who, permission, anew=False)

    def begin(session: Session, locking: Collection[Any], *, later: bool) -> None:
        asked = this_request(None)
        if not confirm(session, asked.actor if asked else None, locking, later=later):
            raise RightsChangedError

    app.extensions[_WHO] = who
    db.on_begin(app, begin)


def judge_again(app: Flask) -> None:
    """Run a view again with the rights as they are, where they changed under it. Call after all routes are there.

    Between the check of a request and its writing lies a body that may be held open for long, or a slow neighbour. What
    was written until the change was found is rolled back; whether the right really ended is then said by the same
    rules as ever.
    """
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if permission_of(view) not in {None, Permission.PUBLIC} and not hasattr(view, _JUDGED):
            app.view_functions[rule.endpoint] = _judged_again(view)


def _judged_again(view: ViewT) -> ViewT:
    @wraps(view)
    def run(*args: Any, **kwargs: Any) -> Any:
        for _ in range(TRIES):
            try:
                return view(*args, **kwargs)
            except RightsChangedError:
                ask_again()
                _rewind()
        raise rights_changing()

    setattr(run, _JUDGED, True)
    return cast("ViewT", run)


def rights_changing() -> UnavailableError:
    """503: the rights changed at every try."""
    return UnavailableError("rights_changing", "您的任职正在变动，请稍后再试。")


def ask_again() -> None:
    """Judge the request with the rights as they are by now.

    Raises:
        UnauthenticatedError, ForbiddenError: the right has ended.
    """
    asked, app = this_request(), this_app()
    view = app.view_functions[asked.endpoint or ""]
    _admit(asked, app.extensions[_WHO], permission_of(view), anew=True)


def _rewind() -> None:
    """Uploads are read once more; a JSON body is kept by the request."""
    asked = this_request()
    if asked.mimetype == "multipart/form-data":
        for upload in asked.files.values():
            upload.stream.seek(0)


def _admit(asked: Request, who: _Who, permission: Permission | None, *, anew: bool) -> None:
    asked.actor = None  # what authenticating writes is nobody's, also the second time
    actor = who(asked, anew=anew)
    if actor is None:
        raise UnauthenticatedError("token_invalid", "登录已失效，请重新登录。")
    asked.actor = actor
    if permission is None or not actor.may(permission):
        raise ForbiddenError("role_not_allowed", "您的身份不能进行此操作。")


def _bearer_token(asked: Request) -> str:
    given: str = asked.environ.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer" or not 20 <= len(token) <= 200:
        raise UnauthenticatedError("token_missing", "请先登录。")
    return token
