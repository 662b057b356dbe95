"""The schema of an action's inputs, made of the one class that defines them (`kernel.action_inputs`)."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import fields, validate

from wxapi.kernel.action_inputs import Carried, InputForm, inputs_of
from wxapi.platform.wire import Day, PlainWord, RegionCode, Text

CODE_WORD = validate.Regexp(r"^[a-z0-9_]{1,40}$(?!\n)", error="只能是 1–40 位小写字母、数字或下划线。")


def photo_ids(most: int) -> fields.Field[Any]:
    """A list of the person's own photos."""
    return fields.List(
        fields.UUID(),
        load_default=list,
        validate=validate.Length(max=most),
    )


def input_fields(kind: type[Any]) -> dict[str, fields.Field[Any]]:
    """A field of the request's schema for each input, in the order of the class."""
    return {name: _MADE[about.form](about) for name, about in inputs_of(kind).items()}


_OPTIONAL: Mapping[str, Any] = {"load_default": None, "allow_none": True}


def _number(about: Carried) -> fields.Field[Any]:
    return fields.Integer(strict=True, validate=validate.Range(1, about.most), **_OPTIONAL)


_MADE: Mapping[InputForm, Callable[[Carried], fields.Field[Any]]] = {
    InputForm.TEXT: lambda about: Text(max_length=about.most, **_OPTIONAL),
    InputForm.CODE: lambda _: PlainWord(max_length=40, validate=CODE_WORD, **_OPTIONAL),
    InputForm.REGION: lambda _: RegionCode(**_OPTIONAL),
    InputForm.DAY: lambda _: Day(**_OPTIONAL),
    InputForm.NUMBER: _number,
    InputForm.PHOTOS: lambda about: photo_ids(about.most),
    InputForm.ID: lambda _: fields.UUID(**_OPTIONAL),
}
