"""what comes back: messages that came in; an address is barred for a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def upgrade() -> None:
    op.add_column("suppression", sa.Column("until", sa.BigInteger(), nullable=True))
    op.create_table(
        "incoming",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("filing", sa.Text(), nullable=False),
        *map(_text, ("kind", "sender", "subject", "said", "why")),
        sa.Column("delivery_id", sa.Text(), nullable=True),
        _text("attempt_id"),
        _text("tie"),
        sa.Column("score", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        _text("campaign_id"),
        _text("addressee_id"),
        sa.Column("away_until", sa.BigInteger(), nullable=True),
        _text("settled_by"),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        _text("note"),
        sa.CheckConstraint(
            "filing IN ('received', 'applied', 'kept', 'held', 'settled')", name=op.f("ck_incoming_filing")
        ),
        sa.CheckConstraint(
            "tie IN ('return_path', 'envelope_id', 'message_id', 'guess', 'person', '')", name=op.f("ck_incoming_tie")
        ),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_incoming_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incoming")),
    )
    op.create_index(op.f("ix_incoming_delivery_id"), "incoming", ["delivery_id"])
    where = sa.text("filing = 'received'")
    op.create_index("ix_incoming_unread", "incoming", ["at"], sqlite_where=where, postgresql_where=where)
    op.create_index("ix_incoming_filing", "incoming", ["filing", "at"])
    op.create_table(
        "mailbox",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("validity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mailbox")),
    )
    op.create_index("ix_incoming_thread", "incoming", ["campaign_id", "addressee_id"])


def downgrade() -> None:
    for name in ("ix_incoming_thread", "ix_incoming_filing", "ix_incoming_unread", op.f("ix_incoming_delivery_id")):
        op.drop_index(name, "incoming")
    op.drop_table("mailbox")
    op.drop_table("incoming")
    op.drop_column("suppression", "until")
