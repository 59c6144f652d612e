"""routes: one row for each relay and gateway, with its faults, its looks, and who paused it.

What was known of the old rows passes by itself within minutes: a route that is still unfit is found out anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATES = "state IN ('open', 'closed', 'trial', 'paused')"


def upgrade() -> None:
    op.drop_table("route")
    op.create_table(
        "route",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("by", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(_STATES, name=op.f("ck_route_state")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_route")),
    )


def downgrade() -> None:
    op.drop_table("route")
    op.create_table(
        "route",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paused_at", sa.BigInteger(), nullable=False),
        sa.Column("paused_until", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_route")),
    )
