"""Alembic's entry: runs the scripts on the connection that `storage.schema` hands over."""

from alembic import context

from onetrainer_web.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
