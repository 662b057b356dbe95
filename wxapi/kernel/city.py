"""The rules of the city this process serves: set once at the start, read from everywhere.

A process serves one city. Before `use` is called it is the city that is shipped, as in a test of one rule.
"""

from functools import cache
from pathlib import Path

from wxapi.kernel import city_files
from wxapi.kernel.city_rules import CityRules

_in_use: list[CityRules] = []  # at most one


def city() -> CityRules:
    """The city's rules."""
    return _in_use[0] if _in_use else shipped()


def use(rules: CityRules) -> None:
    """Serve this city from now on."""
    _in_use[:] = [rules]


@cache
def shipped() -> CityRules:
    """The rules in the package, `wxapi/kernel/data`."""
    return city_files.read_folder(city_files.SHIPPED)


@cache
def of_folder(folder: Path | None) -> CityRules:
    """The rules of a folder, read once; None: those in the package.

    Raises:
        CityError: what is wrong, with file and line.
    """
    return shipped() if folder is None else city_files.read_folder(folder)
