"""`GET /api/v1/vocabulary`: the words of all features in one answer, for clients that keep them."""

import hashlib
from collections.abc import Iterable
from typing import Any, cast

from flask import Flask, Response, current_app, request
from marshmallow import fields

from wxapi.kernel.permissions import Permission
from wxapi.kernel.words import Word, Words, by_group
from wxapi.platform.guard import guard
from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.present import this_app
from wxapi.platform.wire import WireSchema, dumps

_KEY = "wxapi.vocabulary"
blueprint = ApiBlueprint("vocabulary", __name__, description="词汇表：代码对应的中文")


class Vocabulary(WireSchema):
    """Group → `[{"code","zh","colour","order"}]`; the version of all.

    `office` where offices say another word; `actions` of a reason that is for some actions only.
    """

    class Meta:
        unknown = "include"

    version = fields.String(required=True)


def install(app: Flask, vocabulary: Iterable[Words]) -> None:
    """Tell the app which words its features use."""
    groups = by_group(vocabulary)
    body = {name: [_item(word) for word in words] for name, words in groups.items()}
    version = hashlib.sha256(dumps(body)).hexdigest()[:16]
    app.extensions[_KEY] = groups, dumps({**body, "version": version}), version


def groups() -> dict[str, tuple[Word, ...]]:
    """All words by group."""
    return cast("dict[str, tuple[Word, ...]]", this_app().extensions[_KEY][0])


@blueprint.route("/vocabulary")
@guard(Permission.PUBLIC)
@blueprint.response(200, Vocabulary)
@blueprint.alt_response(304, description="没有变化。")
def read_vocabulary() -> Response:
    """词汇表

    各代码的中文、颜色和次序，按组：状态、职务、操作、原因等。原因的 `actions` 为可以选用它的操作，没有则都可以。
    带 ETag，可以缓存。
    """
    _, body, version = current_app.extensions[_KEY]
    response = Response(body, content_type="application/json")
    response.headers["Cache-Control"] = "public, max-age=300"
    response.set_etag(version)
    response.make_conditional(request)
    return response


def _item(word: Word) -> dict[str, Any]:
    item = {"code": word.code, "zh": word.zh, "colour": str(word.colour), "order": word.order}
    if word.office:
        item["office"] = word.office
    return {**item, "actions": list(word.actions)} if word.actions else item
