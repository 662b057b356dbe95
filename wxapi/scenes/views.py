"""Mini-program codes to print, and what a scanned one stands for."""

from flask import Response

from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response
from wxapi.regions.services.lookup import tree
from wxapi.scenes import services, wire
from wxapi.scenes.rules import REGION
from wxapi.scenes.services import SceneCode

blueprint = ApiBlueprint("scenes", __name__, description="小程序码")


def code_dict(code: SceneCode) -> dict[str, str]:
    """A code as JSON."""
    return {"url": code.url, "scene": code.scene}


@blueprint.route("/regions/<string:code>/mini-program-code")
@guard(Permission.SCENE_CODES)
@blueprint.response(200, wire.CodeWire)
def read_region_code(code: str) -> Response:
    """区划的小程序码

    本人辖区内某区划（如网格）的小程序码，供打印张贴。
    """
    found = services.code_of_region(current_actor(), code, now=runtime().clock.now())
    return json_response(code_dict(found))


@blueprint.route("/scenes/<string:scene>")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, wire.SceneWire)
def read_scene(scene: str) -> Response:
    """解读小程序码

    小程序启动参数 `query.scene` 代表什么。
    """
    kind, subject = services.resolve(scene)
    # A printed code of a closed region leads to who goes on.
    region = tree().get(tree().successor(subject) or subject) if kind == REGION else None
    return json_response(
        {"kind": kind.code, "id": region.code if region else subject, "name": region.full_name if region else None}
    )
