"""Deleting so that a crash in between leaves nothing half-deleted: first another name, then the files."""

import os
from pathlib import Path
from uuid import uuid4

from onetrainer_web.files.atomic import remove_unfinished
from onetrainer_web.files.confined import remove
from onetrainer_web.protocol.lock import is_held
from onetrainer_web.protocol.run_folder import RunFolder, is_being_made
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
    """Finish deletions that were cut short, and remove what is left of runs and files that were being made."""
    for doomed in workspace.runs.glob(f"{_DELETED}*"):
        remove(doomed)
    for folder in filter(is_being_made, workspace.runs.glob(".*")):
        # Only the command line makes runs beside the server; it holds their lock meanwhile.
        if not is_held(RunFolder(folder).lock):
            remove(folder)
    for folder in (workspace.datasets, workspace.configs, workspace.thumbnails):
        remove_unfinished(folder)
