"""What a relay made of a Message-ID, and what probes have found out about mailboxes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column with its index, and the table."""
    op.add_column("touches", sa.Column("wire_id", sa.String(length=255), nullable=True))
    known = sa.text("wire_id IS NOT NULL")
    op.create_index("ix_touches_wire", "touches", ["wire_id"], sqlite_where=known, postgresql_where=known)
    op.create_table(
        "probes",
        sa.Column("mailbox", sa.String(length=80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("copies", sa.String(length=12), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox", name=op.f("pk_probes")),
    )
