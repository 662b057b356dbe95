"""What a view asks its address for: names behind the question mark, noted as they are read."""

from collections.abc import Iterator
from typing import Any, ClassVar

from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.utils import cached_property

from wxapi.platform.present import Request


class Noting(ImmutableMultiDict[str, str]):
    """What stands behind a question mark; notes the names that a view asks for, and whether it goes through all there
    are. (`lists`, by which links keep what they do not change, is no reading.)
    """

    asked: ClassVar[set[str]] = set()
    went_through: ClassVar[list[bool]] = []

    @classmethod
    def forget(cls) -> None:
        cls.asked.clear()
        cls.went_through.clear()

    def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self.asked.add(key)
        return super().get(key, *args, **kwargs)

    def getlist(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self.asked.add(key)
        return super().getlist(key, *args, **kwargs)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        self.went_through.append(True)
        return super().__iter__()

    def items(self, *args: Any, **kwargs: Any) -> Any:
        self.went_through.append(True)
        return super().items(*args, **kwargs)


class NotingRequest(Request):
    """A request whose address, unlike its form, notes."""

    @cached_property
    def args(self) -> Noting:  # type: ignore[override]  # werkzeug's is a MultiDict, too
        return Noting(super().args.items(multi=True))
