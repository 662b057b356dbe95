"""The OpenAPI 3.1 document at `/api/v1/openapi.json`, made from the schemas that validate.

`ApiBlueprint` adds to every operation what no schema knows: who may call it, how repeats work, what errors look like.
"""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial, wraps
from threading import Lock
from typing import Any, ClassVar, cast

from flask import Flask, Request, Response, current_app
from flask_smorest import Api, Blueprint
from marshmallow import Schema, ValidationError, fields, missing, validate
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import CombinedMultiDict

from config import Config
from wxapi.kernel.errors import MalformedError
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform import descriptions, examples, openapi_answers
from wxapi.platform.guard import guard, permission_of
from wxapi.platform.idempotency import HEADER, is_required
from wxapi.platform.present import this_request
from wxapi.platform.wire import CODES_OF, WireSchema, json_response

# Also in pyproject.toml; the product runs without being installed.
VERSION = "0.1.0"
API_PREFIX = "/api/v1"
_BUILT = "wxapi.openapi_document"
_JSON = "application/json"
_PROBLEM_JSON = "application/problem+json"
_DECODER = json.JSONDecoder()
_TYPE_OF = {str: "string", int: "integer"}


class Problem(WireSchema):
    """An error (RFC 9457). Some codes add members of their own, such as the present `version`."""

    class Meta:
        unknown = "include"

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    errors = fields.Dict(required=True)
    request_id = fields.String(required=True)


class _Parser(FlaskParser):
    """Knows one location more: `multipart`, the files and the other fields of a form as one body."""

    __location_map__ = {  # noqa: RUF012 - webargs declares it so
        **FlaskParser.__location_map__,
        "multipart": "load_multipart",
    }

    def taker(self, schema: Schema, location: str) -> Callable[[], Any]:
        """What takes a request's arguments out of it: where they are and what they may be is settled before any comes.

        Args:
            schema: of the arguments.
            location: where they are, a word of webargs or `multipart`.
        """
        find, unknown = self._get_loader(location), self.DEFAULT_UNKNOWN_BY_LOCATION.get(location)

        def take() -> Any:
            asked = this_request()
            try:
                found = find(asked, schema)
                return schema.load({} if found is missing else found, unknown=unknown)  # type: ignore[arg-type]
            except ValidationError as error:
                self._on_validation_error(error, asked, schema, location, error_status_code=None, error_headers=None)

        return take

    def load_json(self, request: Request, schema: Schema) -> Any:  # noqa: ARG002 - as webargs calls it
        """The body as JSON. Whatever cannot be read is malformed: also numbers and nestings beyond Python's limits."""
        if request.environ.get("CONTENT_TYPE") != _JSON and not request.is_json:
            if request.content_length:
                raise MalformedError("not_json", "请求内容须为 JSON（Content-Type: application/json）。")
            return missing
        body = request.get_data()
        try:
            return _DECODER.decode(body.decode()) if body else missing
        except (ValueError, RecursionError) as error:
            raise MalformedError("malformed_request", "请求内容不是有效的 JSON。") from error

    def load_multipart(self, request: Request, schema: Schema) -> MultiDictProxy:
        """All parts of a form. A form without one part is none; of two parts of a name neither is chosen in silence."""
        parts: CombinedMultiDict[str, Any] = CombinedMultiDict([request.form, request.files])
        if not parts:
            raise MalformedError("malformed_request", "请求内容须为表单（multipart/form-data）。")
        twice = {name: ["只能有一项。"] for name, values in parts.lists() if len(values) > 1}
        if twice:
            raise ValidationError(twice)
        return MultiDictProxy(parts, schema)


class ApiBlueprint(Blueprint):  # type: ignore[misc]  # flask-smorest carries no types
    """A feature's routes. A view without `@guard(...)` does not even import."""

    ARGUMENTS_PARSER = _Parser()
    DEFAULT_LOCATION_CONTENT_TYPE_MAPPING: ClassVar[dict[str, str]] = {
        **Blueprint.DEFAULT_LOCATION_CONTENT_TYPE_MAPPING,
        "multipart": "multipart/form-data",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(_document_rules)

    def arguments(self, schema: Schema | type[Schema], *, location: str = "json", **options: Any) -> Any:
        """What a view takes, as its first argument. Of a class one is made here, not at each request."""
        made = schema if isinstance(schema, Schema) else schema()
        document, take = (
            super().arguments(made, location=location, **options),
            self.ARGUMENTS_PARSER.taker(made, location),
        )

        def mark(view: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(view)
            def run(*args: Any, **kwargs: Any) -> Any:
                return view(*args, take(), **kwargs)

            return _with_notes_of(document(view), run)

        return mark

    def response(self, *args: Any, **options: Any) -> Any:
        """What a view answers. Around one that makes its response itself there is nothing to do."""
        document = super().response(*args, **options)

        def mark(view: Callable[..., Any]) -> Callable[..., Any]:
            makes_it = inspect.get_annotations(inspect.unwrap(view)).get("return") is Response
            return _with_notes_of(document(view), view) if makes_it else document(view)

        return mark

    def alt_response(self, *args: Any, **options: Any) -> Any:
        """What a view answers besides; a note."""
        document = super().alt_response(*args, **options)
        return lambda view: _with_notes_of(document(view), view)

    def add_url_rule(self, rule: str, endpoint: str | None = None, view_func: Any = None, **options: Any) -> None:
        """Register a view and note for its documentation what its decorators say."""
        permission = permission_of(view_func)
        if permission is None:
            raise RuntimeError(f"{view_func.__module__}.{view_func.__name__} names no permission: add @guard(...).")
        doc = deepcopy(getattr(view_func, "_apidoc", {}))
        doc["rules"] = {
            "permission": permission,
            "key_required": is_required(view_func),
            "id": f"{self.name}.{view_func.__name__}",
        }
        view_func._apidoc = doc  # noqa: SLF001 - where flask-smorest keeps a view's documentation
        super().add_url_rule(rule, endpoint, view_func, **options)


def _with_notes_of(documented: Callable[..., Any], view: Callable[..., Any]) -> Callable[..., Any]:
    """The view with what flask-smorest noted of it, without its functions, which would only call one another."""
    view._apidoc = documented._apidoc  # type: ignore[attr-defined]  # noqa: SLF001 - where it keeps them
    return view


class _Api(Api):  # type: ignore[misc]  # flask-smorest carries no types
    """Notes at the start what is to be documented and does it when somebody asks, as no worker or command does."""

    ERROR_SCHEMA = Problem

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__(app, **options)
        self._to_document: list[Callable[[], None]] = []

    def register_blueprint(self, blp: Blueprint, *, parameters: Any = None, **options: Any) -> None:
        """Take a feature's routes into the app; its part of the document waits."""
        self._app.register_blueprint(blp, **options)
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._to_document.append(partial(self._document, blp, parameters))

    def _document(self, blp: Blueprint, parameters: Any) -> None:
        blp.register_views_in_doc(self, self._app, self.spec, name=blp.name, parameters=parameters)
        self.spec.tag({"name": blp.name, "description": blp.description})

    def described(self) -> dict[str, Any]:
        """What the schemas of all features say."""
        while self._to_document:
            self._to_document.pop(0)()
        found: dict[str, Any] = self.spec.to_dict()
        return found

    def _register_error_handlers(self) -> None:
        """`problems.install` answers all errors."""


def make_api(app: Flask, config: Config) -> _Api:
    """The collector of all documented routes."""
    api = _Api(
        app,
        spec_kwargs={
            "title": "网格啄木鸟 Grid Woodpeckers",
            "version": VERSION,
            "openapi_version": "3.1.0",
            "info": {
                "description": "基层上报与培训：微信小程序后端。错误均为 RFC 9457 格式，错误代码见 docs/errors.md。",
                "license": {"name": "MIT", "identifier": "MIT"},
                "contact": {"name": "网格啄木鸟", "url": config.public_url},
            },
            "servers": [{"url": config.public_url}],
        },
    )
    api.ma_plugin.converter.add_attribute_function(_narrowed_enum)
    return api


def _narrowed_enum(_converter: Any, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """Of an enumeration the members that its validator takes."""
    if isinstance(field, fields.Enum) and field.by_value:
        for validator in field.validators:
            if isinstance(validator, validate.OneOf):
                return {"enum": [member.value for member in validator.choices]}
    return {}


def serve(
    app: Flask, api: _Api, codes: Mapping[str, Sequence[str]], reasons: Sequence[Callable[[], Mapping[str, str]]]
) -> None:
    """Serve the finished document; it is built once, at the first request.

    Args:
        app: gets the route.
        api: holds the documented routes.
        codes: group → what a field holds that names it (`wire.ListedCode`).
        reasons: of each workflow, why it refuses a step: reason → sentence.
    """
    built: list[dict[str, Any]] = []
    building = Lock()

    def once() -> dict[str, Any]:
        with building:
            if not built:
                why = {reason: said for each in reasons for reason, said in each().items()}
                built.append(_document(api, codes, why))
        return built[0]

    app.extensions[_BUILT] = once

    @app.get(f"{API_PREFIX}/openapi.json")
    @guard(Permission.PUBLIC)
    def openapi_json() -> Response:
        return json_response(once())


def document() -> dict[str, Any]:
    """The finished document of the current app."""
    return cast("dict[str, Any]", current_app.extensions[_BUILT]())


def _document(api: _Api, codes: Mapping[str, Sequence[str]], reasons: Mapping[str, str]) -> dict[str, Any]:
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    document = api.described()
    # Refusals are named one by one; of flask-smorest's own there remains what stands for those nobody foresaw.
    problem = {_PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    document["components"]["responses"] = {
        "DEFAULT_ERROR": {"description": "其他错误（RFC 9457），如 500 `internal_error`。", "content": problem}
    }
    # flask-smorest's own paging, which nothing here uses.
    document["components"]["schemas"].pop("PaginationMetadata", None)
    _enumerate(document, codes)
    openapi_answers.complete(document, reasons)
    descriptions.complete(document, _features_of_schemas(api), _features_of_tags())
    examples.complete(document)
    return document


def _enumerate(value: Any, codes: Mapping[str, Sequence[str]]) -> None:
    """Write the codes of their group into the fields that bear them, and the type of an enumeration that has none."""
    if isinstance(value, dict):
        if CODES_OF in value:
            nullable = "null" in value["type"]
            value["enum"] = [*codes[value.pop(CODES_OF)], *((None,) if nullable else ())]
        if isinstance(members := value.get("enum"), list) and "type" not in value:
            kinds = {"null" if member is None else _TYPE_OF[type(member)] for member in members}
            value["type"] = kinds.pop() if len(kinds) == 1 else sorted(kinds, key="null".__eq__)
        for each in value.values():
            _enumerate(each, codes)
    elif isinstance(value, list):
        for each in value:
            _enumerate(each, codes)


def _features_of_schemas(api: Api) -> dict[str, str]:
    """Name of a schema → the feature whose class it is."""
    modules = {name: key[0].__module__.split(".") for key, name in api.ma_plugin.converter.refs.items()}
    return {name: parts[1] for name, parts in modules.items() if parts[0] == "wxapi"}


def _features_of_tags() -> dict[str, str]:
    """Name of a blueprint, which is the tag of its operations → its feature."""
    return {name: each.import_name.split(".")[1] for name, each in current_app.blueprints.items()}


def _document_rules(doc: dict[str, Any], info: dict[str, Any], *, method: str, **_: Any) -> dict[str, Any]:
    """flask-smorest's hook: complete one operation."""
    rules = info["rules"]
    permission: Permission = rules["permission"]
    doc["operationId"] = rules["id"]
    if permission is Permission.PUBLIC:
        return doc
    doc["security"] = [{"bearer": []}]
    if permission in ROLES_OF:
        doc["x-roles"] = sorted(role.value for role in ROLES_OF[permission])
    if method == "post":
        doc.setdefault("parameters", []).append(
            {
                "in": "header",
                "name": HEADER,
                "required": rules["key_required"],
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
            }
        )
    return doc
