"""Points in blocks, and samples that wait for their number; what an older index holds is read again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables, and empty the others."""
    op.create_table(
        "blocks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("curve_id", sa.Integer, sa.ForeignKey("curves.id", ondelete="CASCADE"), nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("coarse", sa.LargeBinary, nullable=False),
        sa.Column("fine", sa.LargeBinary, nullable=False),
        sa.Column("whole", sa.LargeBinary, nullable=False),
    )
    op.create_index("blocks_by_curve", "blocks", ["curve_id", "first"], unique=True)
    op.create_table(
        "unnumbered",
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("event", sa.JSON, nullable=False),
        sqlite_with_rowid=False,
    )
    # The journals hold it all; with its counter gone, too, every sample gets the number it had.
    for table in ("points", "curves", "samples", "outputs", "marks", "runs", "sqlite_sequence"):
        op.execute(f"DELETE FROM {table}")
