"""Bringing a database to the newest schema, from a command or a program; the alembic.ini is this function."""

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig

FOLDER = Path(__file__).resolve().parents[2] / "migrations"


def alembic_config(database_url: str) -> AlembicConfig:
    """Alembic's settings for this project and one database."""
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(FOLDER))
    settings.attributes["url"] = database_url
    return settings


def upgrade(database_url: str, revision: str = "head") -> None:
    """Migrate up; does nothing when the database is there already."""
    command.upgrade(alembic_config(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Migrate down."""
    command.downgrade(alembic_config(database_url), revision)
