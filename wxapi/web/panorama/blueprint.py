"""The room's entries in the menu."""

from wxapi.kernel.permissions import Permission
from wxapi.web.kit.blueprint import MenuEntry, Pages

room = Pages(
    "panorama",
    __name__,
    menu=(
        MenuEntry("/work", "待办", Permission.WORK),
        MenuEntry("/panorama", "全景", Permission.STATISTICS),
        MenuEntry("/statistics", "统计", Permission.STATISTICS),
        MenuEntry("/exports", "导出", Permission.EXPORT),
        MenuEntry("/audit", "审计", Permission.AUDIT),
    ),
    for_offices=True,
)
