"""contacts remember: imports that can be undone, the history of every contact, what an approver confirmed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contact_import",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.Column("undone_by", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_contact_import")),
    )
    op.create_table(
        "contact_change",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("import_number", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_number"], ["contact_import.number"], name=op.f("fk_contact_change_import_number")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_contact_change")),
    )
    op.create_index(op.f("ix_contact_change_contact_id"), "contact_change", ["contact_id"])
    op.create_index(op.f("ix_contact_change_import_number"), "contact_change", ["import_number"])
    op.add_column("campaign", sa.Column("confirmed", sa.Text(), nullable=True))
    op.create_index("ix_delivery_address", "delivery", ["kind", "address"])
    op.create_index("ix_delivery_recipient", "delivery", ["contact_id", "state"])


def downgrade() -> None:
    op.drop_index("ix_delivery_recipient", table_name="delivery")
    op.drop_index("ix_delivery_address", table_name="delivery")
    op.drop_column("campaign", "confirmed")
    op.drop_table("contact_change")
    op.drop_table("contact_import")
