"""The Chinese of codes, as people read it: each feature brings its own words, and one table is made of them all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

CodeT = TypeVar("CodeT", bound=str)


class Colour(StrEnum):
    """What a colour says; clients choose the shade. Never the only sign: the word stands beside it."""

    GREY = "grey"  # over, or not begun
    BLUE = "blue"  # under way
    AMBER = "amber"  # wants somebody's attention
    RED = "red"  # late, refused
    GREEN = "green"  # done


@dataclass(frozen=True, slots=True)
class Word:
    """One code and what is read for it.

    Args:
        code: as the API writes it.
        zh: as people read it.
        office: as offices say it among themselves, where that is another word; empty elsewhere.
        colour: the name of a colour of the pages; empty where none is shown.
        order: where it stands among the words of its group.
        actions: of a reason, the actions it is offered for; empty: for all.
    """

    code: str
    zh: str
    colour: str = ""
    order: int = 0
    office: str = ""
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one group of codes, such as `states`."""

    group: str
    items: tuple[Word, ...]


def words(
    group: str,
    said: Mapping[CodeT, str],
    colours: Mapping[CodeT, str] | None = None,
    offices: Mapping[CodeT, str] | None = None,
) -> Words:
    """Words of a group, in the order of the table; of some of them a colour, and the word of offices."""
    shades: Mapping[CodeT, str] = colours or {}
    inside: Mapping[CodeT, str] = offices or {}
    items = (
        Word(str(code), zh, shades.get(code, ""), order, inside.get(code, ""))
        for order, (code, zh) in enumerate(said.items())
    )
    return Words(group, tuple(items))


def reworded(vocabulary: Iterable[Words], said: Mapping[str, Mapping[str, str]]) -> tuple[Words, ...]:
    """The vocabulary in a city's own words, by group and code; codes, colours and order stay.

    A city's word is everybody's: where it names one, offices have no other.

    Raises:
        KeyError: the group, or the group and code as `group.code`, that there is none of.
    """
    found = tuple(vocabulary)
    known = {each.group: {word.code for word in each.items} for each in found}
    for group, codes in said.items():
        if group not in known:
            raise KeyError(group)
        for code in codes:
            if code not in known[group]:
                raise KeyError(f"{group}.{code}")
    return tuple(_in_words_of(said.get(each.group, {}), each) for each in found)


def _in_words_of(own: Mapping[str, str], group: Words) -> Words:
    items = (replace(word, zh=own[word.code], office="") if word.code in own else word for word in group.items)
    return Words(group.group, tuple(items))


def by_group(vocabulary: Iterable[Words]) -> dict[str, tuple[Word, ...]]:
    """Group → its words.

    Raises:
        ValueError: two groups of one name, or two words of one code in a group.
    """
    found: dict[str, tuple[Word, ...]] = {}
    for each in vocabulary:
        if each.group in found:
            raise ValueError(f"two groups of words are called {each.group}")
        if len({word.code for word in each.items}) != len(each.items):
            raise ValueError(f"a code stands twice among the words of {each.group}")
        found[each.group] = each.items
    return found
