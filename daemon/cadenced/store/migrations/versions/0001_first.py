"""The first tables."""

from alembic import op

from cadenced.store import schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything (until the first release the schema itself is the migration)."""
    schema.metadata.create_all(op.get_bind())
