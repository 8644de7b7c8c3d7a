"""Deleting so that a crash in between leaves nothing half-deleted: first another name, then the files."""

import os
from pathlib import Path
from uuid import uuid4

from onetrainer_web.config.atomic import UNFINISHED
from onetrainer_web.config.confined import remove
from onetrainer_web.protocol.workspace import Workspace

_DELETED = ".deleted-"


def set_aside(workspace: Workspace, path: Path) -> Path:
    """Take a run or a part of one away: at once and as a whole, however long it takes to `remove` its files.

    Returns:
        Where it lies now.
    """
    doomed = workspace.runs / f"{_DELETED}{uuid4().hex}"
    os.rename(path, doomed)
    return doomed


def remove_leftovers(workspace: Workspace) -> None:
    """Finish deletions that were cut short, and remove what is left of uploads that were."""
    for doomed in workspace.runs.glob(f"{_DELETED}*"):
        remove(doomed)
    for torn in workspace.datasets.glob(f"*/{UNFINISHED}*"):
        torn.unlink(missing_ok=True)
