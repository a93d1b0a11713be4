"""Whether an account's primary was told is asked of an index, not of all enrolments."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the index; it holds primaries alone."""
    primaries = sa.text("role = 'primary'")
    op.create_index(
        "ix_enrolments_primary", "enrolments", ["account_id"], sqlite_where=primaries, postgresql_where=primaries
    )
