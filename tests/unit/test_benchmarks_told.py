"""`python -m benchmarks --help` helps: how it is called, and what each benchmark measures."""

import pytest

from benchmarks.__main__ import help_text, main, names


@pytest.mark.parametrize("asked", [["--help"], ["-h"], ["locate", "--help"]])
def test_help_names_every_benchmark_and_runs_none(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(asked) == 0
    shown = capsys.readouterr().out
    assert shown == help_text() + "\n"
    told = {words[0]: words[1:] for line in shown.splitlines() if line.startswith("  ") and (words := line.split())}
    assert set(told) == set(names())
    assert [name for name, said in told.items() if not said] == []


def test_a_name_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--halp"]) == 2
    assert "No benchmark named --halp" in capsys.readouterr().err
