"""What `flask_app` makes anew does what Flask does: told of both in the same words, whatever release of it is installed."""

from collections.abc import Callable
from typing import Any

import flask
import pytest
from flask import Blueprint, Flask, Response, current_app, g, has_app_context, has_request_context, request
from flask.testing import FlaskClient
from werkzeug.exceptions import NotFound
from werkzeug.test import EnvironBuilder

from wxapi.platform.flask_app import App, where
from wxapi.platform.front import ROUTED
from wxapi.platform.present import Request, this_app, this_request

Told = list[Any]


class Noting:
    """Hooks that tell of themselves; `?fail=` names one that fails, `?stop=` one that answers."""

    def __init__(self, told: Told) -> None:
        self.told = told

    def note(self, name: str) -> None:
        self.told.append((name, request.endpoint, request.view_args, current_app.name, g.get("seen")))
        if request.args.get("fail") == name:
            raise KeyError(name)

    def before(self, name: str) -> Callable[[], Any]:
        def hook() -> Any:
            self.note(name)
            g.seen = name
            return ("stopped", 202) if request.args.get("stop") == name else None

        return hook

    def after(self, name: str) -> Callable[[Response], Response]:
        def hook(response: Response) -> Response:
            self.note(name)
            response.headers.add("X-Passed", name)
            return response

        return hook


def a_site(kind: type[Flask], told: Told) -> Flask:
    """An app that tells of everything around its views."""
    app = kind("site", static_folder=None)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    room, noting = Blueprint("room", "room"), Noting(told)

    for name in ("before 1", "before 2"):
        app.before_request(noting.before(name))
        room.before_request(noting.before(f"room {name}"))
        app.after_request(noting.after(name.replace("before", "after")))
        room.after_request(noting.after(name.replace("before", "room after")))
        app.teardown_appcontext(lambda error, name=name: told.append((name, "end", repr(error))))
    app.teardown_request(lambda error: told.append(("request ends", has_request_context(), repr(error))))
    app.register_error_handler(NotFound, lambda _error: (noting.note("handler"), ("not here", 404))[1])

    @room.route("/rooms/<int:number>", methods=["GET", "POST"])
    def read(number: int) -> Any:
        noting.note("view")
        return {"number": number, "to": flask.url_for(".read", number=number + 1)}, 201

    @app.route("/plain/")
    def plain() -> str:
        noting.note("view")
        return "plain"

    app.register_blueprint(room)
    return app


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/rooms/7"),
        ("POST", "/rooms/7"),
        ("HEAD", "/rooms/7"),
        ("OPTIONS", "/rooms/7"),
        ("OPTIONS", "/nowhere"),
        ("DELETE", "/rooms/7"),
        ("GET", "/rooms/x"),
        ("GET", "/plain"),
        ("GET", "/plain/"),
        *(
            ("GET", f"{path}?{what}={name}")
            for path in ("/rooms/7", "/plain/", "/nowhere")
            for what in ("stop", "fail")
            for name in ("before 1", "room before 2", "view", "handler", "room after 1", "after 2")
            if what == "fail" or "before" in name
        ),
    ],
)
def test_hooks_run_as_flask_runs_them(method: str, path: str) -> None:
    found = []
    for kind, routed in ((Flask, False), (App, False), (App, True)):
        told: Told = []
        app = a_site(kind, told)
        client: FlaskClient = app.test_client()
        environ = EnvironBuilder(path, "http://place.example:81", method=method).get_environ()
        if routed:
            try:
                environ[ROUTED] = app.url_map.bind("").match(environ["PATH_INFO"], method, return_rule=True)
            except Exception:  # noqa: BLE001 - then the front leaves it to the app, too
                continue
        for _ in range(2):  # hooks are looked for at the first
            answer = client.open(environ_overrides=environ)
            told.append((answer.status, sorted(answer.headers), answer.data))
        assert not has_app_context()
        found.append(told)
    assert all(told == found[0] for told in found)
    assert len(found[0]) > 10


@pytest.mark.parametrize(
    "environ",
    [
        EnvironBuilder("/路/a b?q=一&q=2", "https://place.example/below", method="post", data=b"x").get_environ(),
        EnvironBuilder("//x", headers={"Cookie": "a=b", "Accept": "text/html"}).get_environ(),
        {"SERVER_NAME": "/a/socket"},
        {"SERVER_NAME": "::1", "SERVER_PORT": "80", "PATH_INFO": "\xff", "QUERY_STRING": "\xe4", "SCRIPT_NAME": "/a/"},
        {},
    ],
)
def test_a_request_holds_what_flasks_own_holds(environ: dict[str, Any]) -> None:
    ours, theirs = Request(environ.copy()), flask.Request(environ.copy())
    names = vars(theirs).keys() - {"environ"}
    assert {name: getattr(ours, name) for name in names if name != "headers"} == {
        name: getattr(theirs, name) for name in names if name != "headers"
    }
    assert list(ours.headers) == list(theirs.headers)
    assert len(names) >= 9


def test_a_request_within_another_leaves_it_as_it_was() -> None:
    app, other = (a_site(App, []) for _ in range(2))
    assert this_request(None) is None
    with app.test_request_context("/rooms/1"):
        asked = this_request()
        assert (asked.endpoint, this_app()) == ("room.read", app)
        with other.test_request_context("/plain/"):
            assert (this_request().endpoint, this_app()) == ("plain", other)
        with app.app_context():
            assert (this_request(), this_app()) == (asked, app)
        assert (this_request(), this_app()) == (asked, app)
    with pytest.raises(LookupError):
        this_app()


def test_what_is_not_served_says_so() -> None:
    with a_site(App, []).test_request_context("/plain/"):
        with pytest.raises(AttributeError):
            flask.after_this_request(lambda response: response)
        with pytest.raises(RuntimeError, match="session"):
            flask.session["a"] = 1


def test_a_hook_is_passed_where_it_says() -> None:
    app, passed = App("site", static_folder=None), []
    app.before_request(where(lambda _app, endpoint: endpoint in {None, "a"})(lambda: passed.append(request.path)))
    for name in ("a", "b"):
        app.add_url_rule(f"/{name}", name, lambda: "")
    for path in ("/a", "/b", "/c", "/b", "/a"):
        app.test_client().get(path)
    assert passed == ["/a", "/c", "/a"]
