"""Which version of the tables a database has, and the way from there to the newest one."""

from __future__ import annotations

from importlib import resources

from sqlalchemy import Connection, Engine, MetaData, inspect, text

from cadenced.store import schema

HEAD = "0006"
"""The version that this program works with."""

KNOWN = ("0001", "0002", "0003", "0004", "0005", "0006")
"""Every version that can be brought up to date."""


def current(connection: Connection) -> str | None:
    """Return the version of the tables, None for a database without any."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(engine: Engine) -> None:
    """Bring the tables to ``HEAD`` in one transaction."""
    from alembic import command  # noqa: PLC0415 - only a new or old database needs it
    from alembic.config import Config  # noqa: PLC0415 - only a new or old database needs it

    config = Config()
    config.set_main_option("script_location", str(resources.files(__name__)))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)


def tables() -> MetaData:
    """Return what ``HEAD`` amounts to; a test holds the migrations to it."""
    return schema.complete()
