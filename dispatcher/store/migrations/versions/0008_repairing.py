"""repairing: letters put aside, letters that took another's place, and the one of a group that was tried first."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "delivery",
        sa.Column(
            "snoozed_until",
            sa.BigInteger(),
            sa.CheckConstraint(
                "snoozed_until IS NULL OR state IN ('failed', 'held')",
                name=op.f("ck_delivery_only_what_needs_a_person_is_put_aside"),
            ),
            nullable=True,
        ),
    )
    op.add_column("delivery", sa.Column("instead_of", sa.Text(), server_default="", nullable=False))
    where = sa.text("instead_of <> ''")
    op.create_index("ix_delivery_instead", "delivery", ["instead_of"], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "trial",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_trial_delivery_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_trial")),
    )
    op.create_index(op.f("ix_trial_scope"), "trial", ["scope"])
    _link_what_took_anothers_place()


def _link_what_took_anothers_place() -> None:
    """Until now the link stood in the audit log alone."""
    connection = op.get_bind()
    told = connection.execute(sa.text("SELECT object, data FROM audit WHERE action = 'delivery.readdress'")).all()
    link = sa.text("UPDATE delivery SET instead_of = :old WHERE id = :new")
    for about, data in told:
        connection.execute(link, {"old": json.loads(data)["replaces"], "new": about.removeprefix("delivery:")})


def downgrade() -> None:
    op.drop_index(op.f("ix_trial_scope"), "trial")
    op.drop_table("trial")
    op.drop_index("ix_delivery_instead", "delivery")
    op.drop_column("delivery", "instead_of")
    op.drop_column("delivery", "snoozed_until")
