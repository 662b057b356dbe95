"""The room of offices."""

from wxapi.kernel.permissions import Permission
from wxapi.web.kit.blueprint import MenuEntry, Pages

room = Pages(
    "desk",
    __name__,
    menu=(
        MenuEntry("/desk", "办件", Permission.DESK),
        MenuEntry("/desk/holds", "待审批", Permission.MODERATE),
        MenuEntry("/desk/moderation", "内容审核", Permission.MODERATE),
        MenuEntry("/desk/people", "人员", Permission.APPOINT),
    ),
    for_offices=True,
)
