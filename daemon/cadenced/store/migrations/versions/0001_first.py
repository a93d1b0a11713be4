"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "accounts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("key", name=op.f("uq_accounts_key")),
    )
    op.create_table(
        "events",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("prospect_id", _KEY, nullable=True),
        sa.Column("enrolment_id", _KEY, nullable=True),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_prospect_id"), "events", ["prospect_id"], unique=False)
    op.create_table(
        "import_rows",
        sa.Column("import_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("email", sa.String(length=320), server_default="", nullable=False),
        sa.Column("verdict", sa.String(length=12), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("untagged", sa.String(length=320), server_default="", nullable=False),
        sa.Column("account", sa.String(length=255), server_default="", nullable=False),
        sa.Column("company", sa.Text(), server_default="", nullable=False),
        sa.Column("mailbox", sa.String(length=80), server_default="", nullable=False),
        sa.Column("sequence", sa.String(length=80), server_default="", nullable=False),
        sa.Column("timezone", sa.String(length=80), server_default="", nullable=False),
        sa.Column("country", sa.String(length=8), server_default="", nullable=False),
        sa.Column("language", sa.String(length=8), server_default="", nullable=False),
        sa.Column("stage", sa.String(length=40), server_default="", nullable=False),
        sa.Column("role", sa.String(length=40), server_default="", nullable=False),
        sa.Column("next_step_at", sa.BigInteger(), nullable=True),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("prospect_id", _KEY, nullable=True),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_import_rows")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "imports",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.String(length=80), server_default="", nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sa.UniqueConstraint("sha256", "sequence", name=op.f("uq_imports_sha256_sequence")),
    )
    op.create_table(
        "inbound",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("mailbox", sa.String(length=80), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("folder", sa.String(length=255), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.String(length=255), server_default="", nullable=False),
        sa.Column("header_from", sa.String(length=320), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("verdict", sa.String(length=32), nullable=False),
        sa.Column("classifier", sa.String(length=16), server_default="", nullable=False),
        sa.Column("prospect_id", _KEY, nullable=True),
        sa.Column("enrolment_id", _KEY, nullable=True),
        sa.Column("touch_id", _KEY, nullable=True),
        sa.Column("how", sa.String(length=40), server_default="", nullable=False),
        sa.Column("until", sa.String(length=10), server_default="", nullable=False),
        sa.Column("reply_text", sa.Text(), server_default="", nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
        sa.UniqueConstraint("mailbox", "digest", name=op.f("uq_inbound_mailbox_digest")),
    )
    op.create_index(op.f("ix_inbound_prospect_id"), "inbound", ["prospect_id"], unique=False)
    op.create_table(
        "mailboxes",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("hold", sa.Text(), server_default="", nullable=False),
        sa.Column("held_at", sa.BigInteger(), nullable=True),
        sa.Column("smtp_fault", sa.Text(), server_default="", nullable=False),
        sa.Column("imap_fault", sa.Text(), server_default="", nullable=False),
        sa.Column("synced_at", sa.BigInteger(), nullable=True),
        sa.Column("first_sent_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_owner", sa.String(length=40), server_default="", nullable=False),
        sa.Column("lease_epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mailboxes")),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("value", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "positions",
        sa.Column("mailbox", sa.String(length=80), nullable=False),
        sa.Column("folder", sa.String(length=255), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=False),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox", "folder", name=op.f("pk_positions")),
    )
    op.create_table(
        "suppressions",
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("untagged", sa.String(length=320), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("email", name=op.f("pk_suppressions")),
    )
    op.create_index(
        "ix_suppressions_untagged",
        "suppressions",
        ["untagged"],
        unique=False,
        sqlite_where=sa.text("untagged <> ''"),
        postgresql_where=sa.text("untagged <> ''"),
    )
    op.create_table(
        "tasks",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("prospect_id", _KEY, nullable=True),
        sa.Column("enrolment_id", _KEY, nullable=True),
        sa.Column("touch_id", _KEY, nullable=True),
        sa.Column("step", sa.String(length=80), server_default="", nullable=False),
        sa.Column("brief", sa.Text(), server_default="", nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=80), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index(op.f("ix_tasks_enrolment_id"), "tasks", ["enrolment_id"], unique=False)
    op.create_index(
        "ix_tasks_open",
        "tasks",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index(op.f("ix_tasks_prospect_id"), "tasks", ["prospect_id"], unique=False)
    op.create_table(
        "template_versions",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_template_versions")),
    )
    op.create_table(
        "prospects",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("account_id", _KEY, nullable=True),
        sa.Column("mailbox", sa.String(length=80), server_default="", nullable=False),
        sa.Column("timezone", sa.String(length=80), server_default="", nullable=False),
        sa.Column("country", sa.String(length=8), server_default="", nullable=False),
        sa.Column("language", sa.String(length=8), server_default="", nullable=False),
        sa.Column("stage", sa.String(length=40), server_default="", nullable=False),
        sa.Column("role", sa.String(length=40), server_default="", nullable=False),
        sa.Column("next_step_at", sa.BigInteger(), nullable=True),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("import_id", _KEY, nullable=True),
        sa.Column("untagged", sa.String(length=320), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_prospects_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prospects")),
        sa.UniqueConstraint("email", name=op.f("uq_prospects_email")),
    )
    op.create_index(op.f("ix_prospects_account_id"), "prospects", ["account_id"], unique=False)
    op.create_index(op.f("ix_prospects_import_id"), "prospects", ["import_id"], unique=False)
    op.create_index(
        "ix_prospects_untagged",
        "prospects",
        ["untagged"],
        unique=False,
        sqlite_where=sa.text("untagged <> ''"),
        postgresql_where=sa.text("untagged <> ''"),
    )
    op.create_table(
        "enrolments",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("prospect_id", _KEY, nullable=False),
        sa.Column("account_id", _KEY, nullable=True),
        sa.Column("mailbox", sa.String(length=80), nullable=False),
        sa.Column("sequence", sa.String(length=80), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("step", sa.String(length=80), server_default="", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("anchor", sa.BigInteger(), nullable=False),
        sa.Column("lane", sa.String(length=8), server_default="", nullable=False),
        sa.Column("fresh", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("timezone", sa.String(length=80), server_default="", nullable=False),
        sa.Column("country", sa.String(length=8), server_default="", nullable=False),
        sa.Column("role", sa.String(length=40), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("outcome", sa.String(length=120), server_default="", nullable=False),
        sa.Column("then", sa.String(length=80), server_default="", nullable=False),
        sa.Column("soft_bounces", sa.Integer(), server_default="0", nullable=False),
        sa.Column("done", sa.JSON(), nullable=False),
        sa.Column("next_step_at", sa.BigInteger(), nullable=True),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.Column("import_id", _KEY, nullable=True),
        sa.ForeignKeyConstraint(["prospect_id"], ["prospects.id"], name=op.f("fk_enrolments_prospect_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolments")),
        sa.UniqueConstraint(
            "prospect_id", "sequence", "generation", name=op.f("uq_enrolments_prospect_id_sequence_generation")
        ),
    )
    op.create_index(
        "ix_enrolments_account",
        "enrolments",
        ["account_id"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_enrolments_due",
        "enrolments",
        ["mailbox", "lane", "fresh", "due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_enrolments_import_id"), "enrolments", ["import_id"], unique=False)
    op.create_table(
        "touches",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("prospect_id", _KEY, nullable=False),
        sa.Column("enrolment_id", _KEY, nullable=False),
        sa.Column("sequence", sa.String(length=80), nullable=False),
        sa.Column("step", sa.String(length=80), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("mailbox", sa.String(length=80), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("root_id", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("sha256", sa.String(length=64), server_default="", nullable=False),
        sa.Column("template", sa.String(length=80), server_default="", nullable=False),
        sa.Column("template_version", sa.String(length=64), server_default="", nullable=False),
        sa.Column("boot_id", sa.String(length=40), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("planned_at", sa.BigInteger(), nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True),
        sa.Column("armed_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("copy_seen_at", sa.BigInteger(), nullable=True),
        sa.Column("reply", sa.Text(), server_default="", nullable=False),
        sa.Column("evidence", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolments.id"], name=op.f("fk_touches_enrolment_id")),
        sa.ForeignKeyConstraint(["prospect_id"], ["prospects.id"], name=op.f("fk_touches_prospect_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_touches")),
        sa.UniqueConstraint("message_id", name=op.f("uq_touches_message_id")),
        sa.UniqueConstraint(
            "prospect_id",
            "sequence",
            "step",
            "generation",
            name=op.f("uq_touches_prospect_id_sequence_step_generation"),
        ),
        sa.UniqueConstraint("ref", name=op.f("uq_touches_ref")),
    )
    op.create_index(op.f("ix_touches_enrolment_id"), "touches", ["enrolment_id"], unique=False)
    op.create_index(
        "ix_touches_open",
        "touches",
        ["state"],
        unique=False,
        sqlite_where=sa.text("state IN ('claimed', 'armed', 'unknown', 'in_doubt')"),
        postgresql_where=sa.text("state IN ('claimed', 'armed', 'unknown', 'in_doubt')"),
    )
    op.create_index("ix_touches_root", "touches", ["root_id"], unique=False)
    op.create_index("ix_touches_sent", "touches", ["mailbox", "sent_at"], unique=False)
