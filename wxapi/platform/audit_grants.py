"""The rights of the product's database role: everything but changing or deleting the audit."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from wxapi.platform.db import Base

_APPEND_ONLY = frozenset({"audit", "audit_links"})
_APPENDING = ("SELECT", "INSERT")
# A table that is not there is the migrations' matter.
_LACKING = text(
    "SELECT DISTINCT name FROM unnest(CAST(:tables AS text[]), CAST(:rights AS text[])) AS needed (name, needed_right)"
    " WHERE to_regclass(quote_ident(name)) IS NOT NULL AND NOT has_table_privilege(quote_ident(name), needed_right)"
    " ORDER BY name"
)


def grant(session: Session, role: str) -> bool:
    """Give a role what the API and the workers need, on all tables of this release; False: there is no such role."""
    name = session.scalar(text("SELECT quote_ident(rolname) FROM pg_roles WHERE rolname = :role"), {"role": role})
    if name is None:
        return False
    for table in Base.metadata.tables:
        session.execute(text(f'REVOKE ALL ON "{table}" FROM {name}'))
        session.execute(text(f'GRANT {", ".join(_rights(table))} ON "{table}" TO {name}'))
    # For the doctor: which release the schema is of.
    session.execute(text(f"GRANT SELECT ON alembic_version TO {name}"))
    session.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}"))
    return True


def lacking(session: Session) -> list[str]:
    """Tables on which the role that asks lacks a right the product needs: `grant` was not run after an upgrade."""
    needed = [(table, right) for table in Base.metadata.tables for right in _rights(table)]
    found = session.scalars(
        _LACKING, {"tables": [table for table, _ in needed], "rights": [right for _, right in needed]}
    )
    return list(found)


def _rights(table: str) -> tuple[str, ...]:
    return _APPENDING if table in _APPEND_ONLY else (*_APPENDING, "UPDATE", "DELETE")
