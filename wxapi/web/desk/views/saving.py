"""Keeping a filter of the queue under a name, and forgetting it."""

from flask import Response, request

from wxapi.kernel.errors import DomainError, InvalidError
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.reports.services.saved_filters import drop_filter, save_filter
from wxapi.reports.wire.list_schemas import SavedFilterBody
from wxapi.web.desk import filters
from wxapi.web.desk.blueprint import room
from wxapi.web.desk.views.queue import queue_page
from wxapi.web.kit import forms
from wxapi.web.kit.render import see


@room.post("/desk/filters")
@guard(Permission.DESK)
def keep_filter() -> Response:
    """Keep what the address narrows the queue to; a refusal shows the same queue with the name that was typed."""
    filled = forms.filled("name")
    try:
        name = forms.load(SavedFilterBody, filled)["name"]
        query = filters.query_to_keep(request.args)
        if not query:
            raise InvalidError("filter_empty", "请先选择筛选条件，再保存。")
        save_filter(current_actor(), name, query)
    except DomainError as error:
        return queue_page(error=error, typed=filled.get("name", ""))
    return see(f"/desk?{query}")


@room.post("/desk/filters/delete")
@guard(Permission.DESK)
def forget_filter() -> Response:
    """Forget the filter of a name, and go on with the queue as it is."""
    drop_filter(current_actor(), forms.load(SavedFilterBody, forms.filled("name"))["name"])
    query = filters.query_to_keep(request.args)
    return see(f"/desk?{query}" if query else "/desk")
