"""The first index: runs, curves and their points, samples, outputs, marks."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("header", sa.JSON, nullable=False),
        sa.Column("state", sa.JSON, nullable=False),
        sa.Column("fold", sa.JSON, nullable=False),
        sa.Column("events_offset", sa.Integer, nullable=False),
        sa.Column("commands_size", sa.Integer, nullable=False),
    )
    op.create_table(
        "curves",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
    )
    op.create_index("curves_by_run", "curves", ["run_id", "name"], unique=True)
    op.create_table(
        "points",
        sa.Column("curve_id", sa.Integer, sa.ForeignKey("curves.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("step", sa.Integer, primary_key=True),
        sa.Column("value", sa.Float),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "samples",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("event", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("samples_by_run", "samples", ["run_id", "seq"], unique=True)
    op.create_table(
        "outputs",
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("is_backup", sa.Boolean, nullable=False),
        sa.Column("event", sa.JSON, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "marks",
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("offset", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
