"""How templates are run: what they say is put together as text, and what they call is called as it is.

Jinja makes an instance of `Markup` of each word, only to join them all, and asks of each function whether it wants to
be given the template's own names. It was a seventh of what the queue's page takes.
"""

from collections.abc import Callable
from typing import Any

import markupsafe
from flask import Flask
from jinja2 import Environment
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import Expr
from jinja2.runtime import Context
from markupsafe import Markup, escape

_replaced: Callable[[str], str] = markupsafe._escape_inner  # type: ignore[attr-defined]  # noqa: SLF001 - all of `escape`


def install(app: Flask) -> None:
    """Call before the first template is compiled."""
    app.jinja_env.code_generator_class = _Code
    app.jinja_env.context_class = _Names
    app.jinja_env.written = _written  # type: ignore[attr-defined]  # what `_Code` writes
    app.jinja_env.globals["parts"] = _Parts(app.jinja_env)


class _Code(CodeGenerator):
    def _output_child_pre(self, node: Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.written(")


class _Names(Context):
    def call(
        self,
        called: Callable[..., Any],
        /,
        *args: Any,
        _loop_vars: object = None,
        _block_vars: object = None,
        **named: Any,
    ) -> Any:
        """None of ours is a `pass_context`."""
        return called(*args, **named)


class _Parts:
    """The macros of `kit/parts.html`, which runs once: imported, it would run for each page and each of its parts."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def __getattr__(self, name: str) -> Any:
        macro = getattr(self._environment.get_template("kit/parts.html").module, name)
        setattr(self, name, macro)
        return macro


def _written(value: Any) -> str:
    """As `escape`, but plain text: what is not markup yet has its signs replaced."""
    kind = type(value)
    if kind is str:
        return _replaced(value)
    if kind is int:
        return str(value)
    return value if kind is Markup else escape(value)
