"""Who does what in the embedded PostgreSQL: one role owns the tables, another one is the API's and the workers'.

Neither is a superuser, whom a hole in the API would let read every file of this machine (docs/adr/0005 and 0080).
"""

import psycopg
from psycopg import sql

from wxapi.demo.postgres import Postgres

OWNER = "wxapi_owner"
APP = "wxapi_app"
# A data folder of a release whose tables were the superuser's.
_HAND_OVER = """
DO $$
DECLARE found record;
BEGIN
  FOR found IN
    SELECT format('%I.%I', nspname, relname) AS name FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = 'public' AND relkind IN ('r', 'p', 'v') AND pg_get_userbyid(relowner) <> 'wxapi_owner'
  LOOP
    EXECUTE 'ALTER TABLE ' || found.name || ' OWNER TO wxapi_owner';
  END LOOP;
  FOR found IN
    SELECT oid::regprocedure::text AS name FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND pg_get_userbyid(proowner) <> 'wxapi_owner'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
  LOOP
    EXECUTE 'ALTER ROUTINE ' || found.name || ' OWNER TO wxapi_owner';
  END LOOP;
END $$
"""


def ensure(server: Postgres, database: str) -> None:
    """Make the two roles when missing, and one of them the owner of a database and all in it."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for role in (OWNER, APP):
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        named = {"database": sql.Identifier(database), "owner": sql.Identifier(OWNER)}
        connection.execute(sql.SQL("ALTER DATABASE {database} OWNER TO {owner}").format(**named))
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {owner}").format(**named))
        connection.execute(_HAND_OVER)
