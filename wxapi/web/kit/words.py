"""The vocabulary as pages read it: a word, its colour, and a shape for those who do not tell colours apart.

A page of a room for offices says the word of offices, where they have one of their own.
"""

from dataclasses import dataclass

from wxapi.kernel.words import Colour, Word
from wxapi.platform import vocabulary
from wxapi.web.kit.blueprint import is_for_offices

_SHAPES = {Colour.GREY: "○", Colour.BLUE: "◆", Colour.AMBER: "▲", Colour.RED: "■", Colour.GREEN: "●"}


@dataclass(frozen=True, slots=True)
class Sign:
    """How a code is shown: word, colour (a class of the styles) and shape."""

    code: str
    zh: str
    colour: str
    shape: str


def word(group: str, code: str | None) -> Sign:
    """The sign of a code; a code nobody named is shown as it is."""
    for each in vocabulary.groups().get(group, ()):
        if each.code == code:
            colour = Colour(each.colour or Colour.GREY)
            return Sign(each.code, _said(each), colour.value, _SHAPES[colour])
    return Sign(code or "", code or "", Colour.GREY.value, _SHAPES[Colour.GREY])


def name(group: str, code: str | None) -> str:
    """Only the word."""
    return word(group, code).zh


def names(group: str, for_action: str = "") -> dict[str, str]:
    """Code → word of a whole group, or of what is offered for an action."""
    found = vocabulary.groups().get(group, ())
    return {each.code: _said(each) for each in found if not (for_action and each.actions) or for_action in each.actions}


def _said(each: Word) -> str:
    return each.office if each.office and is_for_offices() else each.zh
