"""The only place that names a path inside a workspace."""

import os
from pathlib import Path

from onetrainer_web.protocol.run_folder import RunFolder


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

    def run_names(self) -> list[str]:
        """Names of the folders in which runs should lie, oldest first (run ids sort by creation)."""
        if not self.runs.is_dir():
            return []
        # A folder whose name starts with a dot is being made or deleted.
        return sorted(name for name in os.listdir(self.runs) if not name.startswith("."))

    def run_folders(self) -> list[RunFolder]:
        """All runs, oldest first."""
        folders = [self.run_folder(name) for name in self.run_names()]
        return [folder for folder in folders if folder.record.is_file()]

    def resolve(self, path: str | Path) -> Path:
        """An absolute path as it is; a relative one as seen from the workspace.

        Links stay: in the hub's cache the file of a model is a link to one whose name does not tell what it holds.
        """
        return Path(os.path.abspath(self.folder / Path(path).expanduser()))
