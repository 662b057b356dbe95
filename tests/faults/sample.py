"""Workers for fault tests: the real processes with a topic table of their own.

`python -m tests.faults.sample …` takes what `python -m workers …` takes. Jobs leave a row in the table `effects`.
"""

import os
import sys
import time

from sqlalchemy import text

from workers.__main__ import Tables, main
from workers.job import Job, Queue
from workers.timetable import Every, Task
from wxapi.platform.db import apart, transaction

EFFECTS = "CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY, word text, pid int)"
# Short, so that a test sees the end of it; the product's are checked by arithmetic in tests/workers/test_topics.py.
LEASE_S = 3
LIMIT_S = 2


def note(word: str) -> None:
    """Leave a row."""
    with transaction() as session:
        session.execute(
            text("INSERT INTO effects (word, pid) VALUES (:word, :pid)"), {"word": word, "pid": os.getpid()}
        )


def note_too(word: str) -> None:
    """A second job of the same topic."""
    note(f"{word} too")


def hang_once(word: str) -> None:
    """Note the start; the first time hang for longer than any test waits, later be done at once."""
    with transaction() as session:
        first = session.execute(text("SELECT count(*) FROM effects WHERE word = :word"), {"word": word}).scalar() == 0
    note(word)
    if first:
        time.sleep(LIMIT_S - 0.5 if word == "slow" else 600)
    note(f"{word} done")


def hang_once_whole(word: str) -> None:
    """The same in one transaction with its row; only that it began is noted apart."""
    with apart() as connection:
        connection.execute(text("INSERT INTO effects (word, pid) VALUES ('begun', :pid)"), {"pid": os.getpid()})
    with transaction() as session:
        values = {"word": word, "pid": os.getpid()}
        session.execute(text("INSERT INTO effects (word, pid) VALUES (:word, :pid)"), values)
        if session.execute(text("SELECT count(*) FROM effects WHERE word = 'begun'")).scalar() == 1:
            time.sleep(600)


def fail_twice(word: str) -> None:
    """Fail the first two times."""
    note(word)
    with transaction() as session:
        tries = session.execute(text("SELECT count(*) FROM effects WHERE word = :word"), {"word": word}).scalar_one()
    if tries < 3:
        raise ValueError("a secret that belongs nowhere")


def tick() -> None:
    """By the clock."""
    note("tick")


TOPICS = {
    "note": (Job(note, values=("word",)),),
    "short": (Job(note, values=("word",), limit_s=LIMIT_S, lease_s=LEASE_S),),
    "both": (Job(note, values=("word",)), Job(note_too, values=("word",))),
    "fail": (Job(fail_twice, values=("word",)),),
    # The limit is RQ's to keep; here it must not save the day.
    "hang.forked": (Job(hang_once, values=("word",), queue=Queue.PHOTOS, limit_s=LIMIT_S, lease_s=LEASE_S),),
    "hang.light": (Job(hang_once, values=("word",), limit_s=LIMIT_S, lease_s=LEASE_S),),
    "hang.whole": (Job(hang_once_whole, values=("word",), limit_s=LIMIT_S, lease_s=LEASE_S, whole=True),),
    "note.whole": (Job(note, values=("word",), whole=True, label="note_whole"),),
    "schedule.tick": (Job(tick, label="tick"),),
}
TASKS = (Task("tick", Every(seconds=1), tick),)

if __name__ == "__main__":
    main(sys.argv[1:], Tables(TOPICS, TASKS))
