"""One server for each workspace: two would launch every run twice and number samples differently."""

import errno
import json
import logging
import os
from datetime import UTC, datetime

from filelock import FileLock, Timeout

from onetrainer_web.files.json_files import write_json_atomically
from onetrainer_web.protocol.lock import PROBE_PATIENCE_S
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.errors import WorkspaceBusyError

LOGGER = logging.getLogger(__name__)


class ServerLock:
    """Holds a workspace for this process until it ends, or until `release`."""

    def __init__(self, workspace: Workspace, address: str) -> None:
        """Take the workspace.

        Args:
            workspace: What is to be served; made when missing.
            address: Where the server can be reached, for others to say.

        Raises:
            WorkspaceBusyError: Another server serves it; says which one.
        """
        workspace.create()
        self._lock = FileLock(workspace.server_lock)
        try:
            self._lock.acquire(timeout=PROBE_PATIENCE_S)
        except Timeout as error:
            raise WorkspaceBusyError(str(workspace.folder), _describe_holder(workspace)) from error
        except OSError as error:
            if error.errno != errno.EROFS:
                raise
            # Nobody can write there: two servers that only look do each other no harm.
        holder = {"pid": os.getpid(), "address": address, "since": datetime.now(UTC).isoformat(timespec="seconds")}
        try:
            write_json_atomically(workspace.server_info, holder)
        except OSError as error:
            LOGGER.warning(
                "The workspace %s cannot be written (%s). Runs can be looked at, and deleted where that makes room; "
                "nothing new can be started.",
                workspace.folder,
                error.strerror,
            )

    def release(self) -> None:
        """Give the workspace up."""
        self._lock.release()


def _describe_holder(workspace: Workspace) -> str:
    try:
        holder = json.loads(workspace.server_info.read_bytes())
    except (FileNotFoundError, ValueError):  # it has just been started and has not written it yet
        return "another server"
    return f"{holder['address']} (process {holder['pid']}, since {holder['since']})"
