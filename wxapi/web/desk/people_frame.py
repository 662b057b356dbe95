"""What the pages about people share: whether the phone must be asked first, the tabs, the regions to choose from."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Response

from wxapi.identity.services.confirming import time_left
from wxapi.identity.services.roster_places import place_of, unit_of
from wxapi.kernel.errors import DomainError, InvalidError
from wxapi.kernel.permissions import ROLE_NAMES, ROLES_OF, Permission, Role
from wxapi.platform.db import db
from wxapi.platform.guard import current_actor
from wxapi.platform.problems import status_of
from wxapi.platform.runtime import runtime
from wxapi.regions.services.lookup import tree
from wxapi.web.kit.regions import Choices, with_chosen
from wxapi.web.kit.render import page

# Less is hardly enough to fill in a form.
_SOON = timedelta(minutes=2)


def people_page(template: str, *, error: DomainError | None = None, **values: Any) -> Response:
    """A page about people. `error` is a refusal of what was typed, which is shown with it."""
    return page(
        template,
        status=status_of(error).value if error else 200,
        error=error,
        errors=error.fields if error else {},
        phone_first=time_left(current_actor(), now=runtime().clock.now()) < _SOON,
        **values,
    )


def regions(chosen: str | None) -> Choices:
    """The administrator's own regions, those right below, what one looks at most, and the one that is chosen."""
    known, found = tree(), []
    for code in current_actor().regions(ROLES_OF[Permission.APPOINT]):
        own = known.get(code)
        if own is not None:
            found += [own, *known.children(own.code)]
    return with_chosen([(region.code, region.full_name) for region in found], chosen)


def roles() -> list[tuple[str, str]]:
    """Roles that are given here: all."""
    return [(role.value, name) for role, name in ROLE_NAMES.items()]


def placed(values: Mapping[str, str]) -> dict[str, str]:
    """The codes of the region and the unit that were typed as code or name, where they are known."""
    found = {}
    if region := values.get("region_code"):
        found["region_code"] = place_of(region, tree()) or region
    if unit := values.get("unit_code"):
        own = current_actor().regions(ROLES_OF[Permission.APPOINT])
        found["unit_code"] = unit_of(unit, db.session(), own) or unit
    return found


def refuse_no_place(values: Mapping[str, str]) -> None:
    """Refuse a form that names no role, or not the place of its role."""
    for_unit = values.get("role") == Role.UNIT_OFFICER.value
    refuse_missing(values, {"role": "角色", **({"unit_code": "单位"} if for_unit else {"region_code": "区域"})})


def refuse_missing(values: Mapping[str, str], needed: Mapping[str, str]) -> None:
    """Refuse a form whose fields are not all filled; `needed` gives each its name on the page.

    Raises:
        InvalidError: `validation_failed`.
    """
    missing = {name: [f"请填写{label}。"] for name, label in needed.items() if name not in values}
    if missing:
        raise InvalidError("validation_failed", "提交的内容有误，请检查后再试。", fields=missing)
