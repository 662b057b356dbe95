"""Columns of what `Cipher` makes: sealed values, and digests to find them by. A rotation of keys finds them here."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, LargeBinary

from wxapi.platform.db import Base


class Sealed(LargeBinary):
    """Holds what `Cipher.seal` made.

    Args:
        purpose: it was sealed for.
    """

    def __init__(self, purpose: str) -> None:
        super().__init__()
        self.purpose = purpose


class LookupDigest(LargeBinary):
    """Holds what `Cipher.digest` made of a sealed value of the same row, by which the row is found.

    Args:
        of: the column with the sealed value.
        purpose: of the digest, which may not be that of the seal.
    """

    def __init__(self, of: str, purpose: str) -> None:
        super().__init__()
        self.of = of
        self.purpose = purpose


@dataclass(frozen=True, slots=True)
class DigestColumn:
    """A column of look-up digests, its purpose, the column with the sealed values and what they were sealed for."""

    column: Column[Any]
    purpose: str
    sealed: Column[Any]
    sealed_for: str


def sealed_columns() -> list[tuple[Column[Any], Sealed]]:
    """Every column of sealed values, with its kind."""
    columns = [column for table in Base.metadata.sorted_tables for column in table.columns]
    return [(column, column.type) for column in columns if isinstance(column.type, Sealed)]


def digest_columns() -> list[DigestColumn]:
    """Every column of look-up digests that can be made anew."""
    kinds = dict(sealed_columns())
    columns = [column for table in Base.metadata.sorted_tables for column in table.columns]
    found = []
    for column in columns:
        if isinstance(column.type, LookupDigest):
            sealed = column.table.columns[column.type.of]
            found.append(DigestColumn(column, column.type.purpose, sealed, kinds[sealed].purpose))
    return found
