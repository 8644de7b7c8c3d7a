"""Opens the index file, brings it to the newest schema, and replaces one that cannot be used.

The index holds nothing that the run folders do not hold, so one that is broken or comes from a newer version is set
aside and rebuilt.
"""

import logging
import os
import tempfile
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from onetrainer_web.files.confined import remove
from onetrainer_web.storage.tables import REVISION

LOGGER = logging.getLogger(__name__)
MIGRATIONS = Path(__file__).parent / "migrations"


def open_index(path: Path) -> Engine:
    """An engine on the index at `path`, made, migrated or replaced as needed; elsewhere if it cannot be written."""
    engine = _connect(path)
    try:
        revision = _read_revision(engine)
        if revision != REVISION:
            _migrate(engine)
        return engine
    except (DatabaseError, IncompatibleIndexError) as error:
        LOGGER.warning("The index %s cannot be used (%s); it is rebuilt from the run folders.", path, error)
        engine.dispose()
    return replace_index(path)


def replace_index(path: Path) -> Engine:
    """An engine on a new, empty index at `path`; elsewhere if it cannot be written."""
    engine = _connect(path)
    try:
        _set_aside(path)
        engine = _connect(path)
        _migrate(engine)
    except (DatabaseError, OSError) as error:
        LOGGER.warning("%s cannot be written (%s). Free space or make it writable, then start again.", path, error)
        engine.dispose()
        engine = _connect_elsewhere()
        _migrate(engine)
    return engine


class IncompatibleIndexError(Exception):
    """The index was made by a version that this one does not know."""


def _connect(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _configure)
    return engine


def _connect_elsewhere() -> Engine:
    """An engine on an index that lasts as long as it: enough to look at runs and to delete some."""
    folder = tempfile.TemporaryDirectory()
    engine = _connect(Path(folder.name, "index.sqlite3"))

    def clean_up(_: Engine) -> None:
        folder.cleanup()

    event.listen(engine, "engine_disposed", clean_up)
    return engine


def _configure(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")  # a power cut may lose the last rows; the journals still hold them
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _read_revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine) -> None:
    # Alembic is slow to import and needed only when the schema changes.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise IncompatibleIndexError(str(error)) from error


def _set_aside(path: Path) -> None:
    """Take a damaged index away; the last one is kept, for whoever wants to know what happened to it."""
    for suffix in ("", "-wal", "-shm"):
        file, aside = path.with_name(path.name + suffix), path.with_name(f"{path.name}.damaged{suffix}")
        remove(aside)
        if os.path.lexists(file):
            file.rename(aside)
