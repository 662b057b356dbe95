"""The schema of an action's inputs, made of the one class that defines them (`kernel.action_inputs`)."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import fields, validate

from wxapi.kernel.action_inputs import Carried, InputForm, inputs_of
from wxapi.platform.wire import PlainWord, RegionCode, Text

CODE_WORD = validate.Regexp(r"^[a-z0-9_]{1,40}$(?!\n)", error="只能是 1–40 位小写字母、数字或下划线。")


def photo_ids(most: int) -> fields.Field[Any]:
    """A list of the person's own photos."""
    return fields.List(
        fields.UUID(),
        load_default=list,
        validate=validate.Length(max=most),
        metadata={"description": f"own, unused photos, at most {most}"},
    )


def input_fields(kind: type[Any]) -> dict[str, fields.Field[Any]]:
    """A field of the request's schema for each input, in the order of the class."""
    return {name: _MADE[about.form](about) for name, about in inputs_of(kind).items()}


def _optional(about: Carried) -> dict[str, Any]:
    return {"load_default": None, "allow_none": True, "metadata": {"description": about.says} if about.says else {}}


def _number(about: Carried) -> fields.Field[Any]:
    return fields.Integer(strict=True, validate=validate.Range(1, about.most), **_optional(about))


_MADE: Mapping[InputForm, Callable[[Carried], fields.Field[Any]]] = {
    InputForm.TEXT: lambda about: Text(max_length=about.most, **_optional(about)),
    InputForm.CODE: lambda about: PlainWord(max_length=40, validate=CODE_WORD, **_optional(about)),
    InputForm.REGION: lambda about: RegionCode(**_optional(about)),
    InputForm.DAY: lambda about: fields.Date(**_optional(about)),
    InputForm.NUMBER: _number,
    InputForm.PHOTOS: lambda about: photo_ids(about.most),
    InputForm.ID: lambda about: fields.UUID(**_optional(about)),
}
