"""No secret reaches a log line, by name, by pattern or by way of a traceback."""

import io
import json
import logging
from collections.abc import Iterator
from decimal import Decimal

import pytest
import structlog

from wxapi.platform import logs


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the configured root handler writes."""
    root = logging.getLogger()
    before, level = root.handlers, root.level
    logs.configure("DEBUG")
    stream = io.StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield stream
    root.handlers = before
    root.setLevel(level)


def test_named_secrets_are_masked(lines: io.StringIO) -> None:
    structlog.get_logger("t").info(
        "event", openid="oABC", access_token="tok", phone="13812345678", code="c", nested={"secret": "s"}, path="/x"
    )
    event = json.loads(lines.getvalue())
    assert event["openid"] == event["access_token"] == event["phone"] == event["code"] == "***"
    assert event["nested"] == {"secret": "***"}
    assert (event["path"], event["event"], event["level"]) == ("/x", "event", "info")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("call 13812345678 now", "13812345678"),
        ("id 42100219900101123X", "42100219900101123X"),
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("GET /sns/jscode2session?appid=a&secret=hush&js_code=once", "hush"),
        ("GET /cgi?access_token=91_xyz&openid=oXYZ", "91_xyz"),
    ],
)
def test_patterns_are_masked_in_foreign_loggers_too(lines: io.StringIO, text: str, secret: str) -> None:
    logging.getLogger("somebody.else").warning(text)
    assert secret not in lines.getvalue()
    assert json.loads(lines.getvalue())["level"] == "warning"


def test_tracebacks_show_places_but_no_messages(lines: io.StringIO) -> None:
    try:
        raise ValueError("https://api.weixin.qq.com/x?secret=hush-hush")
    except ValueError as error:
        structlog.get_logger("t").error("failed", exc_info=error)
    text = lines.getvalue()
    event = json.loads(text)
    assert "hush" not in text
    assert event["exception"] == "ValueError"
    assert "test_logs.py" in event["traceback"][-1]


def test_a_line_names_its_request_whoever_writes_it(lines: io.StringIO) -> None:
    phone, own = "13812345678", "f13812345678a"
    for ids, named in (
        (("a", "a"), {"request_id": "a"}),
        (("a", "b"), {"request_id": "a", "own_request_id": "b"}),
        ((own, own), {"request_id": own}),
        ((phone, own), {"request_id": "1**********", "own_request_id": own}),
    ):
        lines.truncate(0)
        lines.seek(0)
        logs.name_request(ids)
        structlog.get_logger("t").info("of ours")
        logging.getLogger("somebody.else").warning("of theirs")
        for line in lines.getvalue().splitlines():
            assert {name: value for name, value in json.loads(line).items() if "request" in name} == named
        assert lines.getvalue().count("\n") == 2


def test_what_json_has_no_form_for_is_written_as_python_writes_it(lines: io.StringIO) -> None:
    structlog.get_logger("t").info("事", amount=Decimal("1.5"), many={"a": (1, None)})
    assert (
        json.loads(lines.getvalue()).items()
        >= {"event": "事", "amount": "Decimal('1.5')", "many": {"a": [1, None]}}.items()
    )
    assert "事" in lines.getvalue()
