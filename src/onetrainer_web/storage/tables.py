"""The tables of the index. A change here needs a new script in `migrations/versions` and a new `REVISION`."""

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text

REVISION = "0005"
"""Newest script in `migrations/versions`: an index of this revision is used as it is."""

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("header", JSON, nullable=False),
    Column("state", JSON, nullable=False),
    Column("fold", JSON, nullable=False),
    Column("events_offset", Integer, nullable=False),  # all events before it are in the index, none behind it
    Column("commands_size", Integer, nullable=False),
)


def _run_id(*, primary_key: bool = False) -> Column[str]:
    cascade = ForeignKey("runs.id", ondelete="CASCADE")
    return Column("run_id", Text, cascade, nullable=False, primary_key=primary_key)


curves = Table(
    "curves",
    metadata,
    Column("id", Integer, primary_key=True),
    _run_id(),
    Column("name", Text, nullable=False),
    Index("curves_by_run", "run_id", "name", unique=True),
)

points = Table(
    "points",
    metadata,
    Column("curve_id", Integer, ForeignKey("curves.id", ondelete="CASCADE"), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("value", Float),  # null where it was no finite number
    sqlite_with_rowid=False,
)

# Points move from `points` into a block when there are enough; one in `points` counts more than one in a block.
blocks = Table(
    "blocks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("curve_id", Integer, ForeignKey("curves.id", ondelete="CASCADE"), nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("coarse", LargeBinary, nullable=False),  # what is read oftenest stands before what is longest
    Column("fine", LargeBinary, nullable=False),
    Column("whole", LargeBinary, nullable=False),
    Index("blocks_by_curve", "curve_id", "first", unique=True),
)

# Until every journal has been read to its end: samples are numbered in the order in which they were drawn.
unnumbered = Table(
    "unnumbered",
    metadata,
    _run_id(primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("event", JSON, nullable=False),
    sqlite_with_rowid=False,
)

samples = Table(
    "samples",
    metadata,
    Column("number", Integer, primary_key=True),
    _run_id(),
    Column("seq", Integer, nullable=False),
    Column("event", JSON, nullable=False),
    Index("samples_by_run", "run_id", "seq", unique=True),
    sqlite_autoincrement=True,  # the number of a deleted sample is never given again
)

outputs = Table(
    "outputs",
    metadata,
    _run_id(primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("is_backup", Boolean, nullable=False),
    Column("event", JSON, nullable=False),
    sqlite_with_rowid=False,
)

marks = Table(
    "marks",
    metadata,
    _run_id(primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("offset", Integer, nullable=False),  # behind the event `seq`, in bytes
    sqlite_with_rowid=False,
)
