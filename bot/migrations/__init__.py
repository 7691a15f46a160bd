"""The schema's history, applied at start."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_FOLDER = Path(__file__).parent


class NewerDatabase(Exception):
    """The database was written by a newer version of Zuruf."""


def upgrade(connection: Connection) -> None:
    """Bring the schema to this version; refuses a database that a newer version has changed.

    Raises NewerDatabase, and changes nothing then.
    """
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise NewerDatabase(
            f"the database has schema {current}, which this version does not know:"
            " install the version that wrote it, or restore the backup made before its upgrade"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
