"""the right hour: the closed days of recipients, frozen, and which of them a delivery goes by; campaigns that repeat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_calendar")),
    )
    op.add_column("delivery", sa.Column("calendar", sa.Text(), server_default="", nullable=False))
    op.add_column("delivery", sa.Column("occurrence", sa.Text(), server_default="", nullable=False))
    op.add_column("letter", sa.Column("occurrence", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("letter", "occurrence")
    op.drop_column("delivery", "occurrence")
    op.drop_column("delivery", "calendar")
    op.drop_table("calendar")
