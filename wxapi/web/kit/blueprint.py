"""What a room of the pages registers: routes that each name a permission, entries of the menu, files."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask

from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import permission_of
from wxapi.platform.present import this_app, this_request


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """An entry of the menu, shown to those who hold the permission."""

    path: str
    label: str
    permission: Permission


class Pages(Blueprint):
    """A room's pages. Its templates lie in `templates/<name>/`, its styles and modules in `static/`.

    Args:
        name: of the room; first part of its endpoints.
        import_name: the room's package.
        menu: what the room adds to the menu.
        for_offices: its readers are offices, who say some things in words of their own.
    """

    def __init__(
        self, name: str, import_name: str, *, menu: tuple[MenuEntry, ...] = (), for_offices: bool = False
    ) -> None:
        super().__init__(name, import_name, template_folder="templates")
        self.menu = menu
        self.for_offices = for_offices

    def add_url_rule(self, rule: str, endpoint: str | None = None, view_func: Any = None, *a: Any, **kw: Any) -> None:
        """Register a view; one that names no permission does not even import."""
        if view_func is not None and permission_of(view_func) is None:
            raise RuntimeError(f"{view_func.__module__}.{view_func.__name__} names no permission: add @guard(...).")
        super().add_url_rule(rule, endpoint, view_func, *a, **kw)


def is_for_offices() -> bool:
    """Whether this request is for a page of offices."""
    room = _room(this_app(), this_request().endpoint)
    return room is not None and room.for_offices


def is_of_page(app: Flask, endpoint: str | None) -> bool:
    """Whether an endpoint is of a page (and not of the API); a condition of `flask_app.where`."""
    return _room(app, endpoint) is not None


def may_be_of_page(app: Flask, endpoint: str | None) -> bool:
    """Whether an endpoint is of a page, or there is none, and what was asked for may have been one."""
    return endpoint is None or is_of_page(app, endpoint)


def _room(app: Flask, endpoint: str | None) -> Pages | None:
    found = app.blueprints.get((endpoint or "").rpartition(".")[0])
    return found if isinstance(found, Pages) else None
