"""A browser for tests without JavaScript: keeps cookies, follows nothing by itself, reads forms out of pages."""

from dataclasses import dataclass, field
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.builder._htmlparser import BeautifulSoupHTMLParser
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from tests.factories import Person
from wxapi.identity.services.web_sessions import Device, open_session
from wxapi.platform.db import transaction
from wxapi.platform.runtime import runtime

DEVICE = Device("Chrome 浏览器，Windows", "内部网络 10.0.0.5")


@dataclass
class Browser:
    """A browser, signed in as somebody or as nobody."""

    app: Flask
    client: FlaskClient = field(init=False)
    last: TestResponse = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def sign_in(self, person: Person) -> "Browser":
        with transaction() as session:
            token = open_session(session, person.actor.user_id, DEVICE, now=runtime().clock.now())
        self.client.set_cookie("wx", token)
        return self

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        headers = {"Accept": "text/html", **kwargs.pop("headers", {})}
        self.last = self.client.get(path, headers=headers, **kwargs)
        return self.last

    def page(self, path: str, status: int = 200) -> BeautifulSoup:
        answer = self.get(path)
        assert answer.status_code == status, (answer.status_code, answer.text[:500])
        return soup_of(answer)

    def submit(self, form: Tag, headers: dict[str, str] | None = None, **values: Any) -> TestResponse:
        """Send a form as the browser would, with some fields filled in; None leaves a field out."""
        fields = fields_of(form) | values
        data = {name: value for name, value in fields.items() if value is not None}
        asked = {"Accept": "text/html", "Origin": "http://localhost", **(headers or {})}
        self.last = self.send(str(form["action"]), data, asked)
        return self.last

    def send(self, path: str, data: dict[str, Any], headers: dict[str, str]) -> TestResponse:
        """Post fields and files, `(bytes, name)`."""
        if not any(isinstance(value, tuple) for value in data.values()):
            return self.client.post(path, data=data, headers=headers)
        fields = {name: FileStorage(*value) if isinstance(value, tuple) else value for name, value in data.items()}
        # As bytes: the test client would leave a large form's temporary file open.
        boundary, body = encode_multipart(fields)
        content_type = f"multipart/form-data; boundary={boundary}"
        return self.client.post(path, data=body, content_type=content_type, headers=headers)


def soup_of(answer: TestResponse) -> BeautifulSoup:
    return parsed(answer.text)


def parsed(text: str) -> BeautifulSoup:
    """A page to look things up in."""
    return BeautifulSoup(text, "html.parser", store_line_numbers=False)


# At which line of a page a tag stands nobody asks; to count them was a quarter of the parsing.
BeautifulSoupHTMLParser.updatepos = lambda _self, _begin, end: end  # type: ignore[method-assign]


def form_to(page: Tag, action: str) -> Tag:
    """The form of a page that goes to an address."""
    found = page.find("form", attrs={"action": action, "method": "post"})
    assert isinstance(found, Tag), [str(form.get("action")) for form in page.find_all("form")]
    return found


def fields_of(form: Tag) -> dict[str, Any]:
    """What a form would send as it stands, without its buttons."""
    found: dict[str, Any] = {}
    for control in form.find_all(["input", "textarea", "select"]):
        name, kind = str(control.get("name", "")), str(control.get("type", ""))
        if (
            not name
            or kind in {"file", "submit"}
            or (kind in {"checkbox", "radio"} and not control.has_attr("checked"))
        ):
            continue
        if control.name == "textarea":
            value: Any = control.get_text()
        elif control.name == "select":
            chosen = control.find("option", selected=True) or control.find("option")
            value = str(chosen["value"]) if isinstance(chosen, Tag) else ""
        else:
            value = str(control.get("value", "on"))
        found[name] = (
            [*found[name], value]
            if isinstance(found.get(name), list)
            else ([found[name], value] if name in found else value)
        )
    return found
