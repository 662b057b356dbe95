"""Words of training, as people read them."""

from wxapi.kernel.words import Colour, words
from wxapi.training.rules.sessions import KIND_NAMES, SessionState

SESSION_KINDS = words("session_kinds", KIND_NAMES)
SESSION_STATES = words(
    "session_states",
    {
        SessionState.DRAFT: "草稿",
        SessionState.PUBLISHED: "已发布",
        SessionState.CANCELLED: "已取消",
        SessionState.OVER: "已结束",
    },
    {
        SessionState.PUBLISHED: Colour.BLUE,
        SessionState.CANCELLED: Colour.RED,
    },
)
WORDS = (SESSION_KINDS, SESSION_STATES)
