"""Messages to phones, and WeChat's pushes."""

import uuid

from wxapi.notifications import delivery, pushes
from wxapi.platform.runtime import runtime


def deliver_message(*, message_id: str) -> None:
    """Send the subscribe message of one notice."""
    delivery.deliver(uuid.UUID(message_id), now=runtime().clock.now())


def work_on_push(*, push_id: int) -> None:
    """Do what an event pushed by WeChat asks for."""
    pushes.work_on(push_id, now=runtime().clock.now())
