"""limits: what attempts are counted by, roads that rest, what a campaign says for itself, and the stop of everything."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_CLAIMABLE = sa.text("state IN ('deferred', 'queued')")
_TAKEN = sa.text("kind = 'fax' AND state IN ('accepted', 'in_doubt')")
_PAID = sa.text("cost > 0")


def upgrade() -> None:
    op.add_column("campaign", sa.Column("limits", sa.Text(), nullable=True))
    op.add_column("delivery", sa.Column("lane", sa.Text(), server_default="", nullable=False))
    for name in ("campaign_id", "lane", "via", "currency"):
        op.add_column("attempt", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("attempt", sa.Column("cost", sa.BigInteger(), server_default="0", nullable=False))
    _fill()
    op.drop_index("ix_delivery_claim", "delivery")
    columns = ["campaign_id", "due", "id", "kind", "lane"]
    op.create_index("ix_delivery_claim", "delivery", columns, sqlite_where=_CLAIMABLE, postgresql_where=_CLAIMABLE)
    op.create_index("ix_delivery_taken", "delivery", ["changed_at"], sqlite_where=_TAKEN, postgresql_where=_TAKEN)
    for name in ("lane", "via"):
        op.create_index(f"ix_attempt_{name}", "attempt", [name, "opened_at"])
    op.create_index("ix_attempt_campaign", "attempt", ["campaign_id", "opened_at"])
    op.create_index("ix_attempt_paid", "attempt", ["opened_at"], sqlite_where=_PAID, postgresql_where=_PAID)
    op.create_table(
        "rest",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rest")),
    )
    op.create_table(
        "sending",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stopped_at", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_sending_there_is_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sending")),
    )


def _fill() -> None:
    """Rows from before: a mail's lane is its domain, a fax's its number."""
    connection = op.get_bind()
    delivery = sa.table("delivery", sa.column("id"), sa.column("kind"), sa.column("address"), sa.column("lane"))
    rows = connection.execute(sa.select(delivery.c.id, delivery.c.kind, delivery.c.address)).all()
    values = [
        {"this": row.id, "of": row.address.rpartition("@")[2].lower() if row.kind == "email" else row.address}
        for row in rows
    ]
    if values:
        change = delivery.update().where(delivery.c.id == sa.bindparam("this")).values(lane=sa.bindparam("of"))
        connection.execute(change, values)
    connection.execute(
        sa.text(
            "UPDATE attempt SET campaign_id = (SELECT campaign_id FROM delivery d WHERE d.id = delivery_id), "
            "lane = (SELECT lane FROM delivery d WHERE d.id = delivery_id)"
        )
    )


def downgrade() -> None:
    op.drop_table("sending")
    op.drop_table("rest")
    for name in ("ix_attempt_paid", "ix_attempt_campaign", "ix_attempt_via", "ix_attempt_lane"):
        op.drop_index(name, "attempt")
    op.drop_index("ix_delivery_taken", "delivery")
    op.drop_index("ix_delivery_claim", "delivery")
    columns = ["campaign_id", "due"]
    op.create_index("ix_delivery_claim", "delivery", columns, sqlite_where=_CLAIMABLE, postgresql_where=_CLAIMABLE)
    for name in ("cost", "currency", "via", "lane", "campaign_id"):
        op.drop_column("attempt", name)
    op.drop_column("delivery", "lane")
    op.drop_column("campaign", "limits")
