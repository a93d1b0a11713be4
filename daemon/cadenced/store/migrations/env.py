"""Alembic's entrance: runs the versions on the connection that ``migrations.upgrade`` hands over."""

from alembic import context

from cadenced.store import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.complete(),
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
