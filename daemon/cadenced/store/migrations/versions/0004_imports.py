"""Imports become real slice by slice; their rows wait in a spool of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add how far an import has come and what became of its rows; rows that were staged are read again."""
    op.drop_table("import_rows")
    op.add_column("imports", sa.Column("reached", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "import_verdicts",
        sa.Column(
            "import_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("verdict", sa.String(length=12), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_import_verdicts")),
        sqlite_with_rowid=False,
    )
