"""What the phone's page offers a reporter to say follows the workflow's table."""

from wxapi.reports.rules.state import Party
from wxapi.reports.rules.workflow import TABLE, T
from wxapi.web.phone.sayings import FIELDS, sayings_of
from wxapi.web.phone.views.following import SAYINGS


def test_every_action_of_the_reporter_is_said_on_the_phone() -> None:
    theirs = {row.action for row in TABLE if Party.REPORTER in row.who}
    assert set(SAYINGS) == theirs - {"note"}
    assert {"answer", "confirm", "dispute", "withdraw"} <= set(SAYINGS)


def test_the_page_has_a_field_for_all_a_reporter_must_give() -> None:
    for row in TABLE:
        if Party.REPORTER in row.who:
            assert set(row.needs) <= FIELDS, row.action


def test_fields_follow_the_rows() -> None:
    row = T("praise", (), None, (Party.REPORTER,), ("note",), ("photo_ids",))
    found = sayings_of([row, T("ask", (), None, (Party.DESK_WORKER,), ("note",))], besides=())
    assert list(found) == ["praise"]
    assert (found["praise"].needs_note, found["praise"].takes_photos, found["praise"].takes_rating) == (
        True,
        True,
        False,
    )
    assert not SAYINGS["confirm"].needs_note
    assert SAYINGS["confirm"].takes_rating
    assert SAYINGS["dispute"].needs_note
