"""The schema's history, applied at start."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

HEAD = "0002"  # the newest revision below `versions/`
_FOLDER = Path(__file__).parent
_VERSION = sa.table("alembic_version", sa.column("version_num"))


class NewerDatabase(Exception):
    """The database was written by a newer version of Zuruf."""


def upgrade(connection: Connection) -> None:
    """Bring the schema to this version; refuses a database that a newer version has changed.

    Raises NewerDatabase, and changes nothing then.
    """
    current = _revision(connection)
    if current != HEAD:
        _migrate(connection, current)


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table(_VERSION.name):
        return None
    revision: str | None = connection.scalar(sa.select(_VERSION.c.version_num))
    return revision


def _migrate(connection: Connection, current: str | None) -> None:
    # Imported here: it takes a tenth of a second that nearly every start can do without.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise NewerDatabase(
            f"the database has schema {current}, which this version does not know:"
            " install the version that wrote it, or restore the backup made before its upgrade"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
