"""The only place that names a path inside a workspace."""

import os
import re
from pathlib import Path

from onetrainer_web.files.confined import readable
from onetrainer_web.protocol.run_folder import RunFolder

_NO_FOLDER = "it is a file"
_RUN_NAME = re.compile(r"[\w.-]+")


class Workspace:
    """A folder that holds the runs and what they are made from; relative paths of a configuration start here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return self.folder / "runs"

    @property
    def configs(self) -> Path:
        """The workspace's own configurations, `<name>.json`."""
        return self.folder / "configs"

    @property
    def datasets(self) -> Path:
        """Folders of training pictures."""
        return self.folder / "datasets"

    @property
    def cache(self) -> Path:
        """Encoded pictures and captions, shared by all runs."""
        return self.folder / "cache"

    @property
    def models(self) -> Path:
        """Model files that people put here."""
        return self.folder / "models"

    @property
    def thumbnails(self) -> Path:
        """Small pictures; can be deleted at any time."""
        return self.cache / "thumbnails"

    @property
    def index(self) -> Path:
        """The SQLite index; rebuilt from the run folders when missing."""
        return self.folder / "index.sqlite3"

    @property
    def retired_samples(self) -> Path:
        """Numbers of deleted samples, which no sample gets again, not even from a rebuilt index."""
        return self.folder / "retired_samples.json"

    @property
    def server_lock(self) -> Path:
        """Held by the one server of this workspace."""
        return self.folder / "server.lock"

    @property
    def server_info(self) -> Path:
        """Who holds the server lock, for others to say: a locked file cannot be read everywhere."""
        return self.folder / "server.json"

    @property
    def current_config(self) -> Path:
        """The configuration being edited."""
        return self.folder / "current.json"

    @property
    def queue(self) -> Path:
        """Order of the waiting runs, and whether the queue is paused."""
        return self.folder / "queue.json"

    @property
    def views(self) -> Path:
        """Saved views of the runs."""
        return self.folder / "views.json"

    @property
    def secrets(self) -> Path:
        """OneTrainer's secrets.json, readable by its owner alone."""
        return self.folder / "secrets.json"

    @property
    def token(self) -> Path:
        """Access token for binds other than loopback."""
        return self.folder / "token"

    @property
    def sessions(self) -> Path:
        """Logins of browsers, as hashes."""
        return self.folder / "sessions.json"

    def create(self) -> None:
        """Make the folders that must exist."""
        for folder in (self.runs, self.configs, self.datasets, self.cache, self.models):
            folder.mkdir(parents=True, exist_ok=True)

    def run_folder(self, run_id: str) -> RunFolder:
        """The folder of the run `run_id`, which need not exist."""
        return RunFolder(self.runs / run_id)

    def run_names(self) -> dict[str, str | None]:
        """Names of the folders among the runs, oldest first (run ids sort by creation).

        Returns:
            For each why it can hold no run; None when it can.
        """
        if not self.runs.is_dir():
            return {}
        with os.scandir(self.runs) as entries:
            # A folder whose name starts with a dot is being made or deleted.
            found = {entry.name: _not_a_run(entry) for entry in entries if not entry.name.startswith(".")}
        return {name: reason for name, reason in sorted(found.items()) if reason != _NO_FOLDER}

    def run_folders(self) -> list[RunFolder]:
        """All runs, oldest first."""
        folders = [self.run_folder(name) for name, reason in self.run_names().items() if reason is None]
        return [folder for folder in folders if folder.record.is_file()]

    def resolve(self, path: str | Path) -> Path:
        """An absolute path as it is; a relative one as seen from the workspace.

        Links stay: in the hub's cache the file of a model is a link to one whose name does not tell what it holds.
        """
        return Path(os.path.abspath(self.folder / Path(path).expanduser()))


def fits_run_id(name: str) -> bool:
    """Whether a run can be called so, in a path of the API too."""
    return _RUN_NAME.fullmatch(name) is not None and readable(name) == name


def _not_a_run(entry: os.DirEntry[str]) -> str | None:
    is_junction = getattr(entry, "is_junction", bool)  # of Windows; Python tells since 3.12
    if entry.is_symlink() or is_junction():
        return "it is a link, and what it leads to is left alone. Move the folder itself here"
    if not entry.is_dir():
        return _NO_FOLDER
    if not fits_run_id(entry.name):
        return "the name of a run has letters, digits, _ . and - only. Rename the folder"
    return None
