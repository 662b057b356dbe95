"""The vocabulary as pages read it: a word, its colour, and a shape for those who do not tell colours apart.

A page of a room for offices says the word of offices, where they have one of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask
from markupsafe import Markup

from wxapi.kernel.words import Colour, Word
from wxapi.platform import vocabulary
from wxapi.platform.present import this_app
from wxapi.web.kit.blueprint import is_for_offices

# (group, code) → its sign, and that of offices or None.
_SIGNS = "wxapi.signs"
_SHAPES = {Colour.GREY: "○", Colour.BLUE: "◆", Colour.AMBER: "▲", Colour.RED: "■", Colour.GREEN: "●"}


@dataclass(frozen=True, slots=True)
class Sign:
    """How a code is shown: its word, alone or in its badge."""

    zh: str
    badge: Markup


def install(app: Flask) -> None:
    """Make the signs of all words, once: a list shows a hundred."""
    with app.app_context():
        groups = vocabulary.groups()
    app.extensions[_SIGNS] = {
        (group, each.code): (_sign(each.zh, each.colour), _sign(each.office, each.colour) if each.office else None)
        for group, found in groups.items()
        for each in found
    }


def word(group: str, code: str | None) -> Sign:
    """The sign of a code; a code nobody named is shown as it is."""
    signs: Mapping[tuple[str, str | None], tuple[Sign, Sign | None]] = this_app().extensions[_SIGNS]
    sign, of_offices = signs.get((group, code)) or (_sign(code or "", ""), None)
    return of_offices if of_offices is not None and is_for_offices() else sign


def badge(code: str | None, group: str) -> Markup:
    """A state or kind: word, colour and shape."""
    return word(group, code).badge


def name(group: str, code: str | None) -> str:
    """Only the word."""
    return word(group, code).zh


def names(group: str, for_action: str = "") -> dict[str, str]:
    """Code → word of a whole group, or of what is offered for an action."""
    found = vocabulary.groups().get(group, ())
    return {each.code: _said(each) for each in found if not (for_action and each.actions) or for_action in each.actions}


def _sign(said: str, colour: str) -> Sign:
    """The colour is a class of the styles."""
    shade = Colour(colour or Colour.GREY)
    shape = Markup('<span class="shape" aria-hidden="true">{}</span>').format(_SHAPES[shade])
    return Sign(said, Markup('<span class="badge {}">{}{}</span>').format(shade.value, shape, said))


def _said(each: Word) -> str:
    return each.office if each.office and is_for_offices() else each.zh
