"""The clockwork of training sessions, and telling people about them."""

from uuid import UUID

from wxapi.platform.runtime import runtime
from wxapi.training.services import session_end, tell


def end_session(*, session_id: str) -> None:
    """Book the hours and look the roll over, when a session ends."""
    session_end.at_the_end(UUID(session_id), now=runtime().clock.now())


def close_session(*, session_id: str) -> None:
    """Mark who is absent, when nothing can be uploaded any more."""
    session_end.close(UUID(session_id), now=runtime().clock.now())


def close_due_sessions() -> None:
    """Close sessions whose own job was lost."""
    session_end.close_due(now=runtime().clock.now())


def send_reminders(*, session_id: str, kind: str, starts_at: str) -> None:
    """Remind those who are enrolled."""
    tell.remind(UUID(session_id), kind, starts_at, now=runtime().clock.now())


def tell_of_seat(*, session_id: str, user_id: str) -> None:
    """Tell somebody who moved up from the waiting list."""
    tell.tell_of_seat(UUID(session_id), UUID(user_id), now=runtime().clock.now())


def tell_of_cancellation(*, session_id: str) -> None:
    """Tell everybody that a session does not take place."""
    tell.tell_of_cancellation(UUID(session_id), now=runtime().clock.now())


def tell_of_leave(*, leave_request_id: str) -> None:
    """Tell a person what became of the request for leave."""
    tell.tell_of_leave(UUID(leave_request_id), now=runtime().clock.now())


def tell_of_certificate(*, certificate_id: str) -> None:
    """Tell the holder that a certificate is ready."""
    tell.tell_of_certificate(UUID(certificate_id), now=runtime().clock.now())
