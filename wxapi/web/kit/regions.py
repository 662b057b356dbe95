"""Regions to choose from in a form."""

from collections.abc import Sequence

from wxapi.regions.services.lookup import tree

Choices = Sequence[tuple[str, str]]


def with_chosen(choices: Choices, code: str | None) -> Choices:
    """The choices, and the region a page is narrowed to where a link led further down than the choices go.

    Without it the form would say that nothing is narrowed, and sent again it would lose it.
    """
    found = tree().get(code or "")
    if found is None or any(found.code == known for known, _ in choices):
        return choices
    return [*choices, (found.code, found.full_name)]
