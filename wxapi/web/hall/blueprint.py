"""The room of those who run training."""

from wxapi.kernel.permissions import Permission
from wxapi.web.kit.blueprint import MenuEntry, Pages

room = Pages("hall", __name__, menu=(MenuEntry("/hall", "培训", Permission.TRAINING_STEWARD),))
