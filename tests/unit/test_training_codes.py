"""Rotating codes: derived, forgiving to keyboards, unforgiving to everything else."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.training.rules import codes
from wxapi.training.rules.attendance import SIGN_IN_OVERRIDES
from wxapi.training.services.statements import SIGN_IN, USUAL

NOW = datetime(2026, 11, 23, 6, 0, 7, tzinfo=UTC)
SESSION = uuid.UUID("2f0c6b38-7a51-4a06-9e0a-0a8f64d3b1c2")
PERSON = uuid.UUID("ffffffff-ffff-4fff-bfff-ffffffffffff")
SECRET = bytes(range(32))
STEP = codes.step_at(NOW)


def read(text: str, *, now: datetime = NOW, session: uuid.UUID = SESSION, secret: bytes = SECRET):
    return codes.read_code(text, session, secret, now=now)


@pytest.mark.parametrize("make", [codes.scanned_code, codes.short_code])
class TestBothForms:
    def test_any_number_of_screens_show_the_same_code(self, make):
        assert make(SESSION, SECRET, STEP) == make(SESSION, SECRET, STEP)

    def test_the_code_changes_with_each_step(self, make):
        assert len({make(SESSION, SECRET, STEP + n) for n in range(500)}) == 500

    @pytest.mark.parametrize(("age_s", "fresh"), [(0, True), (15, True), (30, False), (60, False)])
    def test_the_step_before_is_still_good_and_no_older_one(self, make, age_s, fresh):
        scan = read(make(SESSION, SECRET, STEP), now=NOW + timedelta(seconds=age_s))
        assert scan is not None
        assert scan.step == STEP
        assert scan.is_fresh(NOW + timedelta(seconds=age_s)) is fresh

    def test_a_code_of_another_session_is_none(self, make):
        assert read(make(uuid.uuid4(), SECRET, STEP)) is None
        assert read(make(SESSION, codes.new_secret(), STEP)) is None

    def test_a_code_of_tomorrow_is_none(self, make):
        assert read(make(SESSION, SECRET, STEP + 5760)) is None
        assert read(make(SESSION, SECRET, STEP + 1)) is None

    @pytest.mark.parametrize("cut", [1, 5])
    def test_a_cut_code_is_none(self, make, cut):
        assert read(make(SESSION, SECRET, STEP)[:-cut]) is None

    def test_what_a_chinese_keyboard_makes_of_it_is_read(self, make):
        code = make(SESSION, SECRET, STEP)
        full_width = "".join(chr(ord(c) + 0xFEE0) for c in code)
        spaced = " ".join(code.lower())
        misread = code.replace("0", "O").replace("1", "l")
        for text in (code.lower(), full_width, full_width.lower(), spaced, misread, f"\u3000{code}\n"):
            assert read(text) == read(code)

    def test_any_changed_character_is_noticed(self, make):
        code = make(SESSION, SECRET, STEP)
        for place, character in enumerate(code):
            if character == "-":
                continue
            other = "7" if character != "7" else "8"
            changed = read(code[:place] + other + code[place + 1 :])
            assert changed is None


def test_the_scanned_code_fits_the_alphanumeric_mode_of_qr():
    code = codes.scanned_code(SESSION, SECRET, STEP)
    assert len(code) == 57
    assert set(code) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-")


def test_the_short_code_is_short_and_without_doubtful_letters():
    for step in range(STEP, STEP + 200):
        code = codes.short_code(SESSION, SECRET, step)
        assert len(code) == 6
        assert not set(code) & set("ILOU")
        assert codes.is_typed(f"{code[:3]} {code[3:].lower()}")


@given(st.integers(min_value=0, max_value=60), st.uuids(version=4), st.binary(min_size=32, max_size=32))
def test_a_short_code_is_fresh_for_two_steps_then_expired_then_unknown(age, session, secret):
    now = NOW + timedelta(seconds=15 * age)
    scan = read(codes.short_code(session, secret, STEP), now=now, session=session, secret=secret)
    assert scan == (codes.Scan(STEP, typed=True) if age <= codes.OLD_STEPS else None)
    assert scan is None or scan.is_fresh(now) is (age < codes.GOOD_STEPS)


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text):
    assert read(text) is None
    assert codes.read_pass(text, SESSION, SECRET) is None
    assert codes.read_ticket(text, SESSION, SECRET, PERSON) is None


def test_a_pass_names_its_person_in_its_session_only():
    text = codes.pass_code(SESSION, SECRET, PERSON)
    assert codes.read_pass(text.lower(), SESSION, SECRET) == PERSON
    assert codes.read_pass(text, uuid.uuid4(), SECRET) is None
    assert codes.read_pass(text[:-1] + ("0" if text[-1] != "0" else "1"), SESSION, SECRET) is None


def test_a_ticket_is_bound_to_person_and_session_and_keeps_the_step():
    text = codes.new_ticket(SESSION, SECRET, PERSON, STEP, now=NOW)
    ticket = codes.read_ticket(text, SESSION, SECRET, PERSON)
    assert ticket == codes.Ticket(NOW, STEP)
    assert codes.read_ticket(text, SESSION, SECRET, uuid.uuid4()) is None
    assert codes.read_ticket(text, uuid.uuid4(), SECRET, PERSON) is None
    assert codes.new_ticket(SESSION, SECRET, PERSON, STEP, now=NOW) != text


@given(st.integers(min_value=0, max_value=2**29), st.uuids(version=4))
def test_steps_and_people_survive_the_round(step, person):
    later = codes.step_start(step)
    assert read(codes.scanned_code(SESSION, SECRET, step), now=later) == codes.Scan(step, typed=False)
    assert codes.read_pass(codes.pass_code(SESSION, SECRET, person), SESSION, SECRET) == person


def test_the_statement_overrides_the_states_the_rules_name():
    listed = ", ".join(f"'{state}'" for state in sorted(SIGN_IN_OVERRIDES))
    assert all(f"mine.state IN ({listed})" in text for text in (SIGN_IN, USUAL))


def test_the_link_on_the_screen_is_taken_for_its_code() -> None:
    code = codes.scanned_code(SESSION, SECRET, 7)
    link = f"https://city.example/m/sign?session={SESSION}&code={code}"
    assert codes.normalise(link) == codes.normalise(code)
    assert codes.normalise(f"https://city.example/m/sign?code={code}&from=hall#x") == codes.normalise(code)
