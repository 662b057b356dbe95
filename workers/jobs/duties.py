"""Jobs of the duties."""

from wxapi.duties.services import climb
from wxapi.platform.runtime import runtime
from wxapi.reports.services import duty_checks


def climb_duties() -> object:
    return climb.climb(now=runtime().clock.now())


def heal_report_duties() -> object:
    return duty_checks.heal(now=runtime().clock.now())
