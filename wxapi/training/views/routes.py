"""The blueprint that the views of training register on."""

from collections.abc import Callable
from typing import Any, TypeVar

from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.wire import WireSchema

View = TypeVar("View", bound=Callable[..., Any])

blueprint = ApiBlueprint("training", __name__, description="培训：场次、报名、签到、考勤、学时")
ROOT = "/training/sessions"
ONE = f"{ROOT}/<uuid:session_id>"


def documents_body(schema: WireSchema, example: dict[str, Any]) -> Callable[[View], View]:
    """Document a body as `blueprint.arguments` does, for a view that reads it by itself."""

    def mark(view: View) -> View:
        described = blueprint.arguments(schema, example=example)(view)
        setattr(view, "_apidoc", described._apidoc)  # noqa: B010, SLF001 - where flask-smorest keeps documentation
        return view

    return mark
