"""workers announce themselves; on PostgreSQL the hot tables are vacuumed sooner and leave room in their pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

#: Free room in each page, and the share of dead rows that has the table vacuumed (after 200 of them): rows that change
#: several times an hour would otherwise wait until a fifth of the whole table is dead. Queries look at dead rows too.
_HOT = {"delivery": (70, 0.01), "attempt": (80, 0.01), "route": (50, 0.0), "worker": (50, 0.0)}


def upgrade() -> None:
    op.create_table(
        "worker",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), server_default="", nullable=False),
        sa.Column("boot", sa.Text(), server_default="", nullable=False),
        sa.Column("space", sa.Text(), server_default="", nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("born", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ending", sa.Text(), server_default="", nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("skew", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("asked IN ('run', 'pause', 'drain')", name=op.f("ck_worker_asked")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
    )
    there = sa.text("ended_at IS NULL")
    op.create_index("uq_worker_name_there", "worker", ["name"], unique=True, sqlite_where=there, postgresql_where=there)
    if op.get_bind().dialect.name == "postgresql":
        for table, (room, share) in _HOT.items():
            op.execute(
                f"ALTER TABLE {table} SET (fillfactor = {room}, autovacuum_vacuum_scale_factor = {share}, "
                f"autovacuum_vacuum_threshold = 200, autovacuum_analyze_scale_factor = 0.02)"
            )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in _HOT:
            op.execute(
                f"ALTER TABLE {table} RESET (fillfactor, autovacuum_vacuum_scale_factor, "
                f"autovacuum_vacuum_threshold, autovacuum_analyze_scale_factor)"
            )
    op.drop_table("worker")
