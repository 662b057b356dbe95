"""Between being found and being asked a process may end: its name is gone, those beside it are not."""

import subprocess
import sys

import psutil

from tests.processes import await_true, command_lines
from wxapi.demo.children import kill_all

FOREVER = [sys.executable, "-c", "import signal; signal.pause()"]


def test_one_that_ended_hides_and_saves_none_of_the_others() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", ""]) as unheard,
        subprocess.Popen([sys.executable, "-c", ""]) as gone,
        subprocess.Popen(FOREVER) as lives,
    ):
        found = [psutil.Process(one.pid) for one in (unheard, gone, lives)]
        await_true(lambda: found[0].status() == psutil.STATUS_ZOMBIE)
        gone.wait(10)
        try:
            assert command_lines(found) == [(found[2], FOREVER)]
            kill_all(found)
            assert not found[2].is_running()
        finally:
            lives.kill()
