"""The Chinese of codes, as people read it: each feature brings its own words, and one table is made of them all."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """One code and what is read for it.

    Args:
        code: as the API writes it.
        zh: as people read it.
        colour: the name of a colour of the pages; empty where none is shown.
        order: where it stands among the words of its group.
    """

    code: str
    zh: str
    colour: str = ""
    order: int = 0


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one group of codes, such as `states`."""

    group: str
    items: tuple[Word, ...]


def words(group: str, said: dict[str, str]) -> Words:
    """Words of a group, in the order of the table, without colours."""
    return Words(group, tuple(Word(code, zh, order=order) for order, (code, zh) in enumerate(said.items())))
