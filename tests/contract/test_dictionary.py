"""Every table and column says what it holds, in the database and on a page, and what of it is a person's."""

import re

import psycopg
from sqlalchemy import Column

from wxapi.app import RETENTION
from wxapi.platform import dictionary

METADATA = dictionary.load_models()
COLUMNS = [(table.name, column) for table in METADATA.tables.values() for column in table.columns]
# Columns that a rule below takes for a person's, and that are none.
NOBODYS = {
    ("training_sessions", "secret_sealed"): "the key of a session's codes",
    ("reports", "picked_by"): "the way the place was found",
    ("report_events", "held_by"): "a unit",
}
# What a column of this name holds is somebody's: who did it, or what they wrote or said of themselves.
OF_PEOPLE = re.compile(
    r"(user|actor|owner|author|reporter)_id|.*_by|nickname|phone.*|openid.*|.*_sealed|holder_name|address|note"
)


def test_every_table_has_its_words() -> None:
    tables = [name for name in METADATA.tables if "_" not in dictionary.words().get(name, {})]
    assert tables == []


def test_no_words_are_left_of_what_is_gone() -> None:
    there = {(table, column.name) for table, column in COLUMNS} | {(name, "_") for name in METADATA.tables}
    said = {(table, name) for table, entries in dictionary.words().items() if table != "*" for name in entries}
    assert said - there == set()


def of_a_person(table: str, column: "Column[object]") -> bool:
    to_people = any(key.target_fullname == "users.id" for key in column.foreign_keys)
    sealed = type(column.type).__name__ in {"Sealed", "Lookup"}
    return (to_people or sealed or bool(OF_PEOPLE.fullmatch(column.name))) and (table, column.name) not in NOBODYS


def test_what_is_a_persons_is_on_the_list() -> None:
    missing = [
        f"{table}.{column.name}"
        for table, column in COLUMNS
        if of_a_person(table, column) and not getattr(dictionary.of_column(table, column.name), "purpose", "")
    ]
    assert missing == [], "four texts in the feature's data/columns.toml: what, what for, how long, how it stands"


def test_periods_of_the_list_are_those_of_the_program() -> None:
    categories = {category.name for category in RETENTION}
    kept = {entry.kept for entries in dictionary.words().values() for entry in entries.values()}
    named = {name for words in kept for name in re.findall(r"`(\w+)`", words)}
    assert named
    assert named - categories == set()


def test_sealed_columns_are_said_to_be_sealed() -> None:
    for table, column in COLUMNS:
        told = dictionary.of_column(table, column.name)
        if told and told.purpose and type(column.type).__name__ == "Sealed":
            assert told.stands == "加密", f"{table}.{column.name}"


def test_the_database_itself_says_what_it_holds(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            """SELECT c.relname, a.attname, col_description(c.oid, a.attnum)
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
            AND c.relname <> 'alembic_version'"""
        ).fetchall()
    assert len(rows) >= len(COLUMNS)
    assert [f"{table}.{column}" for table, column, told in rows if not told] == []
    assert ("users", "phone_sealed", "手机号（个人信息：加密）") in rows
