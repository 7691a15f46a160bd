"""Opens the database that the configuration names."""

from pathlib import Path

from sqlalchemy.engine import make_url

from bot.sqlite import SqliteDatabase
from bot.transactions import Database

__all__ = ["Database", "SqliteDatabase", "open_database"]


def open_database(url: str) -> Database:
    """The database that a configured URL names: `sqlite:///path` or `postgresql://...`."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return SqliteDatabase(Path(parsed.database or "zuruf.db"))
    from bot.postgresql import PostgresqlDatabase  # here: on SQLite its driver is not needed

    return PostgresqlDatabase(parsed)
