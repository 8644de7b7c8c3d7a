"""Where each epoch ended, which the journals are read again for."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Empty the tables, the counter of samples too: every sample gets the number it had."""
    for table in ("points", "blocks", "curves", "unnumbered", "samples", "outputs", "marks", "runs", "sqlite_sequence"):
        op.execute(f"DELETE FROM {table}")
