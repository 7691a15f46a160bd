"""Alembic's entry: runs on the connection it is given."""

from alembic import context
from sqlmodel import SQLModel

import bot.tables

assert bot.tables.Message.metadata is SQLModel.metadata  # noqa: S101 - the import fills the metadata
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
