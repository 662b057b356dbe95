"""Which keys the data need: noted in the database before the first value is made with one, and asked at every start.

An encryption key is known by its name and by a text sealed with it, so that another key under the same name is found
out. A look-up key and a key of the audit are known by a digest of theirs. None of the keys is in the database.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from flask import Flask, current_app
from sqlalchemy import Connection, DateTime, LargeBinary, Text, create_engine, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.pool import NullPool

from config import Config, ConfigError, Secret
from wxapi.platform.cipher import Cipher, SealError
from wxapi.platform.db import Base, apart, on_begin
from wxapi.platform.present import this_app

log = structlog.get_logger(__name__)
_STATE = "wxapi.keys"
_PROOF = "key.proof"
_NAME_LENGTH = 16
_CONNECT_S = 5


class SealingKey(Base):
    """A key that data need. `since`: when it was first used to write; None: it is read with only, so far."""

    __tablename__ = "sealing_keys"

    # "encryption", "lookup" or "audit".
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    # Of an encryption key: a known text sealed with it. None: it was found in data of a release that noted none.
    proof: Mapped[bytes | None] = mapped_column(LargeBinary)
    since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class KeysMissingError(Exception):
    """Data need a key that the settings lack; nothing is written. The text is for the operator."""


# What processes have asked already: by database and keys. Those that are forked for one job inherit it.
_confirmed: set[tuple[str, ...]] = set()


def install(app: Flask) -> None:
    """Have this process ask, before it writes for the first time, whether it has the keys that data need."""
    app.extensions[_STATE] = _identity(app.extensions["wxapi"].config)
    on_begin(app, lambda _session, _locking, *, later: confirm())  # noqa: ARG005


def confirm() -> None:
    """Note the keys that this process writes with; costs something once in a process.

    Raises:
        KeysMissingError: data need another key.
    """
    if this_app().extensions[_STATE] in _confirmed:
        return
    with apart() as connection:
        faults = _ask(connection, current_app.extensions["wxapi"].config)
    if faults:
        raise KeysMissingError(" ".join(faults))


def refuse_missing(config: Config) -> None:
    """At the start of a process. With the database away it starts all the same, and asks before it writes.

    Raises:
        ConfigError: data need a key that the settings lack.
    """
    engine = create_engine(config.database_url, poolclass=NullPool, connect_args={"connect_timeout": _CONNECT_S})
    try:
        with engine.begin() as connection:
            faults = _ask(connection, config)
    except DBAPIError as error:
        log.warning("keys_not_asked", error=type(error.orig).__name__)
        return
    if faults:
        raise ConfigError(" ".join(faults))


def missing(connection: Connection | Session, config: Config) -> list[str]:
    """What is wrong with the keys of the settings, a sentence each; empty: they are those that the data need."""
    rows = connection.execute(select(SealingKey.kind, SealingKey.name, SealingKey.proof, SealingKey.since)).all()
    needed = {(row.kind, row.name): row for row in rows if row.since is not None}
    found = [
        fault
        for (kind, name), row in sorted(needed.items())
        if (fault := _fault(kind, name, row.proof, config)) is not None
    ]
    first = ("lookup", fingerprint(config.lookup_keys[0]))
    if (
        not found
        and first not in {(row.kind, row.name) for row in rows}
        and any(kind == "lookup" for kind, _ in needed)
    ):
        found.append(
            "The first key of WXAPI_LOOKUP_KEY is new: name it second, restart every process, and only then put it "
            "first. A process that does not know it would take people for new ones."
        )
    return found


def known(session: Session) -> Sequence[SealingKey]:
    """The keys that were noted, by kind and name."""
    return session.scalars(select(SealingKey).order_by(SealingKey.kind, SealingKey.name)).all()


def fingerprint(key: Secret) -> str:
    """What a key without a name is known by; tells nothing of it."""
    return hmac.new(key.value, b"wxapi.key", hashlib.sha256).hexdigest()[:_NAME_LENGTH]


def forget(session: Session, kind: str, *, but: Sequence[str]) -> list[str]:
    """Note that nothing needs the other keys of a kind any more, of those that have written; returns which.

    One that is read with only, so far, is to come: without its note no start would take it as the first one.
    """
    older = (SealingKey.kind == kind, SealingKey.since.is_not(None), SealingKey.name.not_in(but))
    gone = select(SealingKey).where(*older).order_by(SealingKey.name)
    names = []
    for row in session.scalars(gone).all():
        names.append(row.name)
        session.delete(row)
    session.flush()
    return names


def _ask(connection: Connection, config: Config) -> list[str]:
    faults = missing(connection, config)
    if not faults:
        _note(connection, config)
        _confirmed.add(_identity(config))
    return faults


def _identity(config: Config) -> tuple[str, ...]:
    keys = [*(key.key for key in config.encryption_keys), *config.lookup_keys, *config.audit_keys]
    return config.database_url, *map(fingerprint, keys)


def _fault(kind: str, name: str, proof: bytes | None, config: Config) -> str | None:
    if kind == "encryption":
        return _sealing_fault(name, proof, config)
    if kind == "lookup":
        if name in map(fingerprint, config.lookup_keys):
            return None
        return "WXAPI_LOOKUP_KEY is not the key by which people are found: put the old one back, behind a new one."
    if name in map(fingerprint, config.audit_keys or config.lookup_keys):
        return None
    return (
        "Rows of the audit are proven by a key that is gone: name it in WXAPI_AUDIT_KEYS, behind the one that is to "
        "write. Keys of the audit stay there for ever."
    )


def _sealing_fault(name: str, proof: bytes | None, config: Config) -> str | None:
    keys = tuple(key for key in config.encryption_keys if key.name == name)
    if not keys:
        return f"Data are sealed with the key {name}: put it back into WXAPI_ENCRYPTION_KEYS."
    try:
        if proof is not None:
            Cipher(keys, config.lookup_keys).open(proof, purpose=_PROOF)
    except SealError:
        return f"The key {name} in WXAPI_ENCRYPTION_KEYS is not the one of this name that data are sealed with."
    return None


def _note(connection: Connection, config: Config) -> None:
    sealing = config.encryption_keys[0]
    proof = Cipher((sealing,), config.lookup_keys).seal(sealing.name, purpose=_PROOF)
    audit_key = (config.audit_keys or config.lookup_keys)[0]
    rows: list[dict[str, Any]] = [
        {"kind": "encryption", "name": sealing.name, "proof": proof, "since": func.now()},
        {"kind": "audit", "name": fingerprint(audit_key), "proof": None, "since": func.now()},
        {"kind": "lookup", "name": fingerprint(config.lookup_keys[0]), "proof": None, "since": func.now()},
        *({"kind": "lookup", "name": fingerprint(key), "proof": None, "since": None} for key in config.lookup_keys[1:]),
    ]
    for row in rows:
        connection.execute(insert(SealingKey).values(row).on_conflict_do_nothing())
        if row["since"] is not None:
            key = (SealingKey.kind == row["kind"], SealingKey.name == row["name"])
            connection.execute(update(SealingKey).where(*key, SealingKey.since.is_(None)).values(since=func.now()))
            connection.execute(update(SealingKey).where(*key, SealingKey.proof.is_(None)).values(proof=row["proof"]))
