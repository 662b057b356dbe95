"""Which refusals a call can answer with, found in the source.

From a view everything it names is followed – functions, tables of functions, methods of storage and WeChat, what
features register as fields of a value – and each error made on the way is noted. More than a call in truth answers with
may be found so; less would be seen by the tests, which compare every refusal they meet with what is written down.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from importlib import import_module
from itertools import pairwise
from pathlib import Path

from wxapi.platform.problems import STATUS

ROOT = Path(__file__).parents[2]
_CLASSES = {kind.__name__: int(status) for kind, status in STATUS.items()}
# What stands around every call is said by `openapi_answers`; commands and pages are no calls.
_AROUND = ("openapi", "guard", "idempotency", "problems", "limits", "runtime", "http", "retention")
_SKIPPED = ("wxapi.app", "wxapi.demo", "wxapi.web", *(f"wxapi.platform.{name}." for name in _AROUND))
# Attributes of the runtime, whose classes the source does not name beside them.
_PARTS = {"storage": "wxapi.platform.storage.Storage", "wechat": "wxapi.platform.wechat.client.WeChatClient"}

# Status, code, sentence with … for its values.
FoundRefusal = tuple[int, str, str]


@dataclass(slots=True)
class _Node:
    """What has a name at the top of a module, or a method: the names in it, and the errors it makes."""

    names: set[str] = field(default_factory=set)
    refusals: set[FoundRefusal] = field(default_factory=set)


class Source:
    """The whole package by dotted name."""

    def __init__(self) -> None:
        self.nodes: defaultdict[str, _Node] = defaultdict(_Node)
        self.aliases: dict[str, str] = {}
        # Name → what was put into a field of that name that takes a function.
        self.put: defaultdict[str, set[str]] = defaultdict(set)
        # Class → its fields in their order, and whether they take functions; class → its methods.
        self.fields: dict[str, Sequence[tuple[str, bool]]] = {}
        self.methods: defaultdict[str, set[str]] = defaultdict(set)
        # Blueprint → its name; view → its blueprint.
        self.blueprints: dict[str, str] = {}
        self.views: dict[str, str] = {}
        modules = [_Module(self, path) for path in sorted(ROOT.glob("wxapi/**/*.py"))]
        for each in modules:
            each.declare()
        for each in modules:
            each.read()
        for attribute, names in self.put.items():
            self.put[attribute] = {self._followed(name) for name in names} & self.nodes.keys()

    def all(self) -> set[FoundRefusal]:
        """Every refusal of the package, pages included."""
        return {refusal for node in self.nodes.values() for refusal in node.refusals}

    def operations(self) -> dict[str, set[FoundRefusal]]:
        """Id of an operation → the refusals its view can come to."""
        return {
            f"{name}.{view.rpartition('.')[2]}": self.reached(view)
            for view, blueprint in self.views.items()
            if (name := self.blueprints.get(self._followed(blueprint)))
        }

    def reached(self, start: str) -> set[FoundRefusal]:
        """The refusals that can come of running what bears this dotted name."""
        found: set[FoundRefusal] = set()
        waiting, seen = [start], {start}
        attributes: set[str] = set()
        # Methods of a class that is used, which nothing on the way has named yet.
        unnamed: defaultdict[str, set[str]] = defaultdict(set)
        while waiting:
            node = self.nodes[here := waiting.pop()]
            found |= node.refusals
            targets = {target for name in node.names for target in self._targets(name)}
            for method in self.methods.get(here, ()):
                unnamed["" if (last := method.rpartition(".")[2]).startswith("_") else last].add(method)
            attributes |= {part for name in node.names for part in name.removesuffix("()").split(".")} | {""}
            for name in attributes & unnamed.keys():
                targets |= unnamed.pop(name)
            waiting += [each for each in targets - seen if not each.startswith(_SKIPPED)]
            seen |= targets
        return found

    def _targets(self, name: str) -> Iterator[str]:
        """What a dotted name stands for: imports followed, methods, what was put into a field."""
        head, rest = name, ""
        while head:
            if head in self.aliases:
                yield from self._targets(self.aliases[head] + rest)
                return
            if head in self.nodes:
                if not rest or head not in self.methods:
                    yield head
                yield from self._of_attribute(rest)
                return
            head, _, last = head.rpartition(".")
            rest = f".{last}{rest}"
        yield from self._of_attribute(name)

    def _followed(self, name: str) -> str:
        """Where a name really stands."""
        while name in self.aliases:
            name = self.aliases[name]
        head, _, last = name.rpartition(".")
        return f"{self.aliases[head]}.{last}" if head in self.aliases else name

    def _of_attribute(self, chain: str) -> Iterator[str]:
        parts = chain.split(".")[1:]
        for part, method in pairwise(parts):
            if part in _PARTS:
                yield f"{_PARTS[part]}.{method}"
        if parts and parts[-1].endswith("()"):
            yield from self.put[parts[-1].removesuffix("()")]


class _Module:
    """One file on its way into the source."""

    def __init__(self, source: Source, path: Path) -> None:
        self._source = source
        self._name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        self._tree = ast.parse(path.read_text(encoding="utf-8"))
        self._known = {name for node in self._tree.body for name in _defined(node)}

    def declare(self) -> None:
        """Imports and classes, before anything is followed."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wxapi"):
                for each in node.names:
                    self._known.add(each.asname or each.name)
                    self._source.aliases[f"{self._name}.{each.asname or each.name}"] = f"{node.module}.{each.name}"
            elif isinstance(node, ast.ClassDef):
                annotated = [each for each in node.body if isinstance(each, ast.AnnAssign)]
                self._source.fields[node.name] = [
                    (getattr(each.target, "id", ""), "Callable" in ast.unparse(each.annotation)) for each in annotated
                ]

    def read(self) -> None:
        """What every definition names and refuses."""
        for node in (each for statement in self._tree.body for each in _each_apart(statement)):
            for name in _defined(node):
                full = f"{self._name}.{name}"
                if isinstance(node, ast.ClassDef):
                    self._read_class(full, node)
                else:
                    self._walk(full, node, "")
                    self._note_view(full, node)

    def _note_view(self, full: str, node: ast.stmt) -> None:
        """A blueprint of the API, or a function that is routed by one."""
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            made = node.value
            if (
                isinstance(made.func, ast.Name)
                and made.func.id == "ApiBlueprint"
                and isinstance(made.args[0], ast.Constant)
            ):
                self._source.blueprints[full] = str(made.args[0].value)
        for each in getattr(node, "decorator_list", ()):
            if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "route":
                self._source.views[full] = self._full(each.func.value, "")

    def _read_class(self, full: str, node: ast.ClassDef) -> None:
        self._source.nodes[full].names |= {self._full(base, "") for base in node.bases}
        self._source.nodes[full].refusals |= set(self._own_refusals(node))
        for each in node.body:
            if isinstance(each, ast.FunctionDef):
                self._source.methods[full].add(f"{full}.{each.name}")
                self._walk(f"{full}.{each.name}", each, full)
            else:
                self._walk(full, each, full)

    def _walk(self, name: str, node: ast.AST, owner: str) -> None:
        found = self._source.nodes[name]
        for each in _ran(node):
            if isinstance(each, ast.Name | ast.Attribute):
                found.names.add(self._full(each, owner))
            elif isinstance(each, ast.Call):
                if isinstance(each.func, ast.Attribute) and self._full(each.func, "").startswith("."):
                    found.names.add(f".{each.func.attr}()")
                found.refusals |= set(self._refusals(each))
                self._note_fields(each)

    def _note_fields(self, call: ast.Call) -> None:
        """Functions that are put into a field, by its name or its place."""
        fields = self._source.fields.get(getattr(call.func, "id", getattr(call.func, "attr", "")), ())
        given = {each.arg: each.value for each in call.keywords}
        given |= {name: value for (name, _), value in zip(fields, call.args, strict=False)}
        for name, takes_function in fields:
            inner = ast.walk(given[name]) if takes_function and name in given else ()
            full = {self._full(each, "") for each in inner if isinstance(each, ast.Name | ast.Attribute)}
            self._source.put[name] |= {each for each in full if not each.startswith(".")}

    def _full(self, node: ast.expr, owner: str) -> str:
        """The dotted name; `.a.b` where it begins with something that has no name of its own."""
        if isinstance(node, ast.Attribute):
            return f"{self._full(node.value, owner)}.{node.attr}"
        if isinstance(node, ast.Name):
            if node.id == "self":
                return owner
            if node.id in self._known:
                return f"{self._name}.{node.id}"
        return ""

    def _refusals(self, call: ast.Call) -> Iterator[FoundRefusal]:
        kind = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        if kind not in _CLASSES or not call.args:
            return
        first = call.args[0]
        if isinstance(first, ast.Constant) and len(call.args) > 1:
            yield _CLASSES[kind], str(first.value), self._sentence(call.args[1])
        else:
            for code, told in self._table(call).items():
                yield _CLASSES[kind], code, told

    def _table(self, call: ast.Call) -> Mapping[str, str]:
        """Codes that stand in a table of the module: `code → sentence`, or `… → (code, sentence)`."""
        for each in ast.walk(call):
            if isinstance(each, ast.Subscript) and isinstance(each.value, ast.Name):
                entries = getattr(import_module(self._name), each.value.id)
                pairs = entries.values() if isinstance(call.args[0], ast.Starred) else entries.items()
                return {str(code.value if isinstance(code, Enum) else code): told for code, told in pairs}
        return {}

    def _own_refusals(self, node: ast.ClassDef) -> Iterator[FoundRefusal]:
        """Of an error with a code of its own: what it hands to its base."""
        kind = next((base.id for base in node.bases if isinstance(base, ast.Name) and base.id in _CLASSES), None)
        for each in ast.walk(node):
            if kind and isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and len(each.args) > 1:
                first = each.args[0]
                if each.func.attr == "__init__" and isinstance(first, ast.Constant):
                    yield _CLASSES[kind], str(first.value), self._sentence(each.args[1])

    def _sentence(self, node: ast.expr) -> str:
        """A literal, a constant of the module, or an f-string with its values left out."""
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.JoinedStr):
            return "".join(str(each.value) if isinstance(each, ast.Constant) else "…" for each in node.values)
        constant = getattr(import_module(self._name), node.id, None) if isinstance(node, ast.Name) else None
        return constant if isinstance(constant, str) else "…"


def _each_apart(node: ast.stmt) -> Iterator[ast.stmt]:
    """`a, b = c, d` as two."""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and isinstance(node.targets[0], ast.Tuple):
        for target, value in zip(node.targets[0].elts, node.value.elts, strict=True):
            yield ast.Assign([target], value)
    else:
        yield node


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    yield from (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))


def _ran(node: ast.AST) -> Iterator[ast.AST]:
    """All of a piece of source but its annotations; of `a.b.c` the whole and not its parts."""
    yield node
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return
    for name, value in ast.iter_fields(node):
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST) and name not in {"annotation", "returns"}:
                yield from _ran(each)
