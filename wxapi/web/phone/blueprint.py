"""The room of whoever holds a phone."""

from wxapi.kernel.permissions import Permission
from wxapi.web.kit.blueprint import MenuEntry, Pages

room = Pages("phone", __name__, menu=(MenuEntry("/m", "我的上报", Permission.SIGNED_IN),))
