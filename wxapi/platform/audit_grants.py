"""The rights of the product's database role: everything but changing or deleting the audit."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from wxapi.platform.db import Base

_APPEND_ONLY = frozenset({"audit", "audit_links"})


def grant(session: Session, role: str) -> bool:
    """Give a role what the API and the workers need, on all tables of this release; False: there is no such role."""
    name = session.scalar(text("SELECT quote_ident(rolname) FROM pg_roles WHERE rolname = :role"), {"role": role})
    if name is None:
        return False
    for table in Base.metadata.tables:
        rights = "SELECT, INSERT" if table in _APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
        session.execute(text(f'REVOKE ALL ON "{table}" FROM {name}'))
        session.execute(text(f'GRANT {rights} ON "{table}" TO {name}'))
    session.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}"))
    return True
