"""A city's folder: what it may say, what a wrong one is told, and that its rules are the ones that count."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.duties.rules.clock import DutyClock, appeal_until, rung_times
from wxapi.kernel import city, deadlines
from wxapi.kernel.city_files import SHIPPED, read_folder
from wxapi.kernel.city_rules import CityError, CityRules, Span
from wxapi.kernel.clock import SHANGHAI
from wxapi.kernel.words import reworded, words
from wxapi.kernel.working_time import OFFICE, calendar_of
from wxapi.reports.rules import guards
from wxapi.reports.rules.categories import all_categories, category_of

TABLE = (SHIPPED / "categories.csv").read_text("utf-8")
HEADER = TABLE.splitlines()[0]
SEASONS = """
[city]
name = "宜昌市"
code = "4205"
number_prefix = "YC"
[office]
holidays = [2026-11-24]
workdays = [2026-11-28]
[[office.seasons]]
from = "05-01"
hours = ["08:30-12:00", "15:00-18:00"]
[[office.seasons]]
from = "10-01"
hours = ["08:30-12:00", "14:00-17:00"]
[workflow]
auto_close_days = 10
[ladder]
remind_percent = 75
"""
INSTANTS = st.integers(0, 730 * 24 * 60).map(lambda late: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=late))
AMOUNTS = st.integers(0, 60 * 300).map(lambda minutes: timedelta(minutes=minutes))


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[arg-type, misc]


def folder(tmp_path: Path, settings: str | None = None, table: str | None = None) -> Path:
    if settings is not None:
        (tmp_path / "city.toml").write_text(settings, "utf-8")
    if table is not None:
        (tmp_path / "categories.csv").write_text(table, "utf-8")
    return tmp_path


@pytest.fixture
def other_city(tmp_path: Path) -> Iterator[None]:
    """Serve Yichang, then what was served before."""
    before = city.city()
    city.use(read_folder(folder(tmp_path, SEASONS, f"{HEADER}\nE0101,事件,01,市容,01,私搭乱建,A,4,30,0,township,0\n")))
    yield
    city.use(before)


def test_an_empty_folder_is_the_shipped_city(tmp_path: Path) -> None:
    rules, shipped = read_folder(tmp_path), city.shipped()
    for name in ("name", "code", "office", "workflow", "ladder", "categories", "reasons", "phrases", "hour_rules"):
        assert getattr(rules, name) == getattr(shipped, name)


@pytest.mark.usefixtures("other_city")
def test_another_citys_rules_are_the_ones_that_count() -> None:
    assert city.city().number_prefix == "YC"
    assert guards.auto_close_after() == timedelta(days=10)
    assert guards.reopen_within() == timedelta(days=15)  # as shipped
    assert list(all_categories()) == ["E0101"]
    assert category_of("E0101").resolve_hours == 30
    assert category_of("E0402").retired  # gone from the table, and still readable
    due = local(2026, 11, 25, 9, 30)
    limit = timedelta(hours=4)
    assert deadlines.reminder_at(due, limit, urgent=True) == due - timedelta(hours=1)
    assert rung_times(due, limit, DutyClock.ROUND)[80] == due - timedelta(hours=1)
    assert OFFICE.day == timedelta(hours=6.5)
    # The 24th is the city's own day off, Saturday the 28th made up.
    assert OFFICE.add(local(2026, 11, 23, 16, 30), timedelta(hours=1)) == local(2026, 11, 25, 9)
    assert OFFICE.between(local(2026, 11, 28), local(2026, 11, 29)) == OFFICE.day
    assert OFFICE.closes_at(date(2026, 7, 1)) == local(2026, 7, 1, 18)
    assert OFFICE.closes_at(date(2026, 1, 5)) == local(2026, 1, 5, 17)  # winter goes on over New Year
    assert appeal_until(local(2026, 11, 23, 9)) == local(2026, 11, 30, 9)


@given(INSTANTS, AMOUNTS)
def test_seasons_keep_the_laws_of_working_time(start: datetime, amount: timedelta) -> None:
    calendar = calendar_of(_yichang())
    end = calendar.add(start, amount)
    assert calendar.between(start, end) == amount
    assert calendar.between(calendar.subtract(end, amount), end) == amount
    local_end = end.astimezone(SHANGHAI)
    if amount:
        assert any(opens < local_end.time() <= closes for opens, closes in _spans_of(local_end.date()))


@cache
def _yichang() -> CityRules:
    with TemporaryDirectory() as place:
        return read_folder(folder(Path(place), SEASONS))


def _spans_of(day: date) -> Sequence[Span]:
    summer, winter = (season.spans for season in _yichang().office.seasons)
    return summer if (5, 1) <= (day.month, day.day) < (10, 1) else winter


FIRST = '[[office.seasons]]\nfrom = "01-01"\nhours = ["08:00-12:00"]\n'
GOOD = "E0101,事件,01,市容,01,私搭乱建,A,4,30,0,township,0"


def test_days_are_read_with_quotes_and_without(tmp_path: Path) -> None:
    hours = """max_per_day = 8
credited_states = ["present"]
conversions.default = { steps = [], minutes_per_hour = 60 }
"""
    days = "[office]\nholidays = ['2026-11-24', 2026-11-25]\n[[training.hours]]\nversion = '1'\nfrom = 2026-01-01\n"
    rules = read_folder(folder(tmp_path, days + hours))
    assert rules.office.holidays == {date(2026, 11, 24), date(2026, 11, 25)}
    assert rules.hour_rules[0]["from"] == "2026-01-01"


@pytest.mark.parametrize(
    ("settings", "line", "said"),
    [
        ("[city\n", 1, "is not TOML"),
        ("\n[city]\ncode = 4210\n", 3, "4-digit"),
        ('[city]\nname = "x"\ncolour = "red"\n', 3, "colour"),
        ("[wokflow]\nreturns = 2\n", 1, "wokflow"),
        ("[workflow]\nreturns = 2\nauto_close_days = 0\n", 3, "less than the minimum"),
        ("[ladder]\n\ncolour_percent = 85\n", 3, "less than remind_percent"),
        ("[office]\nholidays = [2026-11-24]\nworkdays = [2026-11-24]\n", 3, "a holiday and a working day"),
        ('[office]\nholidays = ["2026-02-30"]\n', 2, "does not exist"),
        ('[[office.seasons]]\nfrom = "02-29"\nhours = ["08:00-12:00"]\n', 1, "does not exist"),
        ('[[office.seasons]]\nfrom = "01-01"\nhours = ["12:00-08:00"]\n', 1, "order"),
        (
            FIRST + '[[office.seasons]]\nfrom = "05-01"\nhours = ["08:00-13:00"]\n',
            1,
            "same length",
        ),
        (
            FIRST + '[[office.seasons]]\nfrom = "5-1"\nhours = ["08:00-12:00"]\n',
            5,
            "month and day",
        ),
        ('[reasons]\nno_money = ""\n', 2, "at most 40"),
        ('[[training.hours]]\nversion = "1"\n', 1, "required"),
    ],
)
def test_wrong_settings_are_told_with_their_line(tmp_path: Path, settings: str, line: int, said: str) -> None:
    with pytest.raises(CityError, match=said) as raised:
        read_folder(folder(tmp_path, settings))
    assert (raised.value.file, raised.value.line) == ("city.toml", line)


@pytest.mark.parametrize(
    ("table", "line", "said"),
    [
        ("code,name\n", 1, "columns"),
        (f"{HEADER}\n", 1, "no class"),
        (f"{HEADER}\n{GOOD}\n{GOOD}\n", 3, "line 2 already"),
        (f"{HEADER}\n{GOOD.replace(',4,', ',x,')}\n", 2, "respond_hours wants a whole number"),
        (f"{HEADER}\n{GOOD.replace(',4,', ',40,')}\n", 2, "no more than"),
        (f"{HEADER}\n{GOOD.replace('township', 'town')}\n", 2, "desk_level"),
        (f"{HEADER}\n{GOOD.replace('E0101', 'e1')}\n", 2, "four digits"),
        (f"{HEADER}\n{GOOD.replace(',0,township', ',yes,township')}\n", 2, "0 or 1"),
        (f"{HEADER}\n{GOOD},more\n", 2, "more fields"),
        (f"{HEADER}\n{GOOD.replace(',4,', ',0000050000,')}\n", 2, "respond_hours wants a whole number"),
        (f"{HEADER}\n{GOOD.replace('事件', '')}\n", 2, "kind, minor_name and major_name want words"),
        (f'{HEADER}\n"{GOOD}\n', 2, r"code 'E0101,.{0,20}' wants a capital letter"),
        (f'{HEADER}\n{GOOD}\n"{"x" * 2**18}', 3, "cannot be read: field larger"),
        (f"{HEADER}\n{GOOD.replace('E0101', 'X0201').replace('township', 'village')}\n", 2, "village affairs"),
    ],
)
def test_wrong_tables_are_told_with_their_line(tmp_path: Path, table: str, line: int, said: str) -> None:
    with pytest.raises(CityError, match=said) as raised:
        read_folder(folder(tmp_path, table=table))
    assert (raised.value.file, raised.value.line) == ("categories.csv", line)


def test_what_is_no_folder_not_utf8_or_misspelt_is_told(tmp_path: Path) -> None:
    with pytest.raises(CityError, match="no folder"):
        read_folder(tmp_path / "nowhere")
    (tmp_path / "categories.csv").write_bytes(TABLE.encode()[:-3] + b"\xff\n")
    with pytest.raises(CityError, match="UTF-8") as told:
        read_folder(tmp_path)
    assert told.value.line == TABLE.count("\n")
    (tmp_path / "categories.csv").write_bytes(TABLE.encode("utf-16"))
    with pytest.raises(CityError, match="UTF-8"):
        read_folder(tmp_path)
    (tmp_path / "categories.csv").unlink()
    (tmp_path / "catgories.csv").write_text(TABLE, "utf-8")
    with pytest.raises(CityError, match="is not read"):
        read_folder(tmp_path)


def test_a_table_as_spreadsheets_save_it_here_is_read(tmp_path: Path) -> None:
    (tmp_path / "categories.csv").write_bytes(TABLE.encode("gb18030"))
    assert read_folder(tmp_path).categories == read_folder(folder(tmp_path, table=TABLE)).categories


@pytest.mark.parametrize("name", ["city.toml", "categories.csv"])
def test_what_stands_there_and_is_no_file_does_not_pass_for_absent(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to(tmp_path / "nowhere")
    with pytest.raises(CityError, match=f"{name}: is no file"):
        read_folder(tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    with pytest.raises(CityError, match=f"{name}: is no file"):
        read_folder(tmp_path)


def test_words_are_the_citys_own_where_it_has_them() -> None:
    shipped = words("states", {"triage": "待分派", "routed": "待受理"})
    (own,) = reworded([shipped], {"states": {"triage": "待派单"}})
    assert [(word.code, word.zh) for word in own.items] == [("triage", "待派单"), ("routed", "待受理")]
    # A city's own word is everybody's.
    inside = words("states", {"on_hold": "暂缓办理"}, offices={"on_hold": "挂账"})
    (kept,), (own,) = (reworded([inside], said)[0].items for said in ({}, {"states": {"on_hold": "待条件成熟"}}))
    assert (kept.zh, kept.office) == ("暂缓办理", "挂账")
    assert (own.zh, own.office) == ("待条件成熟", "")
    for wrong in ({"state": {"triage": "x"}}, {"states": {"triag": "x"}}):
        with pytest.raises(KeyError):
            reworded([shipped], wrong)
