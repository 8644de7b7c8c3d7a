"""When each step was done, as a curve beside the others: the journals are read again for it."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Empty the tables, the counter of samples too: every sample gets the number it had."""
    for table in ("points", "blocks", "curves", "unnumbered", "samples", "outputs", "marks", "runs", "sqlite_sequence"):
        op.execute(f"DELETE FROM {table}")
