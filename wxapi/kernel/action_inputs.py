"""What actions carry, defined once: a feature's frozen dataclass whose fields say what each input is. Pure.

From that one class follow the schema of the request, what a row of the table may name, which
inputs were given, and what the history keeps of them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from datetime import date
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from wxapi.kernel.errors import InvalidError

_KEY = "carried"
_INPUTS: "dict[type[Any], Mapping[str, Carried]]" = {}


class InputForm(StrEnum):
    """The form of an input."""

    TEXT = "text"  # what a person typed
    CODE = "code"  # a word of lower-case letters, digits and underlines
    REGION = "region"  # a region's code
    DAY = "day"
    NUMBER = "number"  # a whole number from 1
    PHOTOS = "photos"  # ids of photos
    ID = "id"


@dataclass(frozen=True, slots=True)
class Carried:
    """One input: its form, its largest length or value, whether the history keeps it."""

    form: InputForm
    most: int = 0
    kept: bool = True


class Needing(Protocol):
    """A row of a workflow, as far as inputs go."""

    @property
    def needs(self) -> tuple[str, ...]: ...
    @property
    def takes(self) -> tuple[str, ...]: ...


Inputs = TypeVar("Inputs")


def carried(form: InputForm, *, most: int = 0, kept: bool = True) -> Any:
    """A field of an inputs' class; every input may be left out."""
    default: Any = () if form is InputForm.PHOTOS else None
    return field(default=default, metadata={_KEY: Carried(form, most, kept)})


def inputs_of(kind: type[Any]) -> Mapping[str, Carried]:
    """Name → what it is, in the order of the class: asked for every line of a history that is shown."""
    found = _INPUTS.get(kind)
    if found is None:
        found = _INPUTS[kind] = MappingProxyType({each.name: _about(each) for each in fields(kind)})
    return found


def check_given(inputs: Any, row: Needing, *, always: Collection[str] = ()) -> dict[str, Sequence[str]]:
    """What is missing and what does not belong there: name → sentences. `always` may come with every action."""
    given = {name for name in inputs_of(type(inputs)) if getattr(inputs, name)}
    errors: dict[str, Sequence[str]] = {name: ["必填。"] for name in row.needs if name not in given}
    allowed = {*always, *row.needs, *row.takes}
    return errors | {name: ["该操作不接受此项。"] for name in sorted(given - allowed)}


def refuse_if(errors: Mapping[str, Sequence[str]]) -> None:
    """Refuse an action for what it carries.

    Raises:
        InvalidError: `validation_failed`, naming the inputs.
    """
    if errors:
        raise InvalidError("validation_failed", "提交的内容有误，请检查后再试。", fields=errors)


def to_history(inputs: Any) -> dict[str, Any]:
    """What the history keeps of the inputs: codes, numbers, days and ids, as JSON; texts and photos have their rows."""
    names = [name for name, about in inputs_of(type(inputs)).items() if about.kept]
    return {name: _plain(value) for name in names if (value := getattr(inputs, name)) is not None}


def from_history(kind: type[Inputs], detail: Mapping[str, Any]) -> Inputs:
    """The inputs as `to_history` kept them."""
    if not detail:  # as of most lines
        nothing: Inputs = _nothing(cast("Any", kind))
        return nothing
    about = inputs_of(kind)
    held = {name: value for name, value in detail.items() if name in about}
    return kind(**{name: _READ.get(about[name].form, _same)(value) for name, value in held.items()})


@cache
def _nothing(kind: Any) -> Any:
    """The inputs of who gave none; frozen, so that all may share them."""
    return kind()


def _about(each: "Field[Any]") -> Carried:
    about: Carried = each.metadata[_KEY]
    return about


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _same(value: Any) -> Any:
    return value


_READ: Mapping[InputForm, Callable[[Any], Any]] = {InputForm.DAY: date.fromisoformat, InputForm.ID: UUID}
