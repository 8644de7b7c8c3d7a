"""A OneTrainer installation on this machine: where it is, which Python it runs on, and what it lacks."""

import json
import subprocess
import sys
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from onetrainer_web.system.environment import environment_of_children

BRIDGE = Path(__file__).resolve().parents[1] / "bridge" / "start.py"
"""The program that OneTrainer's Python is given to run."""
ENVIRONMENTS = ("venv", "conda_env", ".venv")
"""Where OneTrainer's installers put its Python, in the order in which it is looked for."""
PROBE_PATIENCE_S = 60
PROBE = """
import json, platform
from importlib import metadata
versions = {"python": platform.python_version()}
for name in ("torch", "diffusers", "transformers", "mgds"):
    try:
        versions[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(versions))
"""


class OneTrainerInfo(BaseModel):
    """What was found of a OneTrainer installation."""

    model_config = ConfigDict(frozen=True)

    folder: str = Field(description="Its folder, as it was named.")
    commit: str = Field(description="The commit it is at; empty where git does not tell.")
    python: str = Field(description="Its Python; empty when none was found.")
    versions: dict[str, str] = Field(description="Versions of Python and of its main packages.")
    missing: str = Field(description="What keeps it from training, and what to do; empty when nothing does.")


class OneTrainer:
    """A checkout of OneTrainer with an environment of its own."""

    def __init__(self, folder: Path, python: Path | None = None) -> None:
        """Name it; nothing is looked at yet.

        Args:
            folder: The checkout.
            python: Its Python; None looks in the places of OneTrainer's installers.
        """
        self.folder = folder.expanduser().absolute()
        self._named = python

    @property
    def python(self) -> Path | None:
        """Its Python, if there is one. Links are not followed: the path is what makes an environment."""
        if self._named:
            named = self._named.expanduser().absolute()
            return named if named.is_file() else None
        places = (place for name in ENVIRONMENTS for place in _pythons_in(self.folder / name))
        return next((place for place in places if place.is_file()), None)

    @property
    def missing(self) -> str:
        """What keeps it from being started at all; empty when nothing does. Quick, for it only looks for files."""
        if not (self.folder / "modules" / "util" / "create.py").is_file():
            return f"{self.folder} is no checkout of OneTrainer: it has no modules/util/create.py."
        if self.python is None:
            looked = str(self._named) if self._named else ", ".join(ENVIRONMENTS)
            return f"{self.folder} has no Python ({looked}). Run OneTrainer's installer, or name its Python."
        return ""

    @cached_property
    def info(self) -> OneTrainerInfo:
        """What it is, asked once of itself."""
        versions: dict[str, str] = {}
        missing = self.missing
        if not missing:
            try:
                versions = self._ask_versions()
            except (OSError, subprocess.SubprocessError, ValueError) as error:
                missing = f"{self.python} does not answer: {error}"
            else:
                lacking = [name for name in ("torch", "diffusers", "mgds") if name not in versions]
                missing = f"{self.python} lacks {', '.join(lacking)}. Run OneTrainer's installer." if lacking else ""
        return OneTrainerInfo(
            folder=str(self.folder),
            commit=self._commit(),
            python=str(self.python or ""),
            versions=versions,
            missing=missing,
        )

    def command(self, run_folder: Path) -> list[str]:
        """The command line that trains a run with it."""
        return [str(self.python or "python"), str(BRIDGE), str(run_folder)]

    def _ask_versions(self) -> dict[str, str]:
        done = subprocess.run(
            [str(self.python), "-c", PROBE],
            capture_output=True,
            text=True,
            timeout=PROBE_PATIENCE_S,
            check=True,
            env=own_environment(),
        )
        return json.loads(done.stdout)

    def _commit(self) -> str:
        git = ["git", "-C", str(self.folder), "rev-parse", "--short=12", "HEAD"]
        # A checkout without history of its own must not be told to be at the commit of a repository around it.
        if not (self.folder / ".git").exists():
            return ""
        try:
            environment = environment_of_children()
            done = subprocess.run(git, capture_output=True, text=True, timeout=10, check=True, env=environment)
            return done.stdout.strip()
        except (OSError, subprocess.SubprocessError):
            return ""


def own_environment() -> dict[str, str]:
    """This process's environment variables without those that would lead another Python to our packages."""
    ours = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {name: value for name, value in environment_of_children().items() if name not in ours}


def _pythons_in(environment: Path) -> list[Path]:
    if sys.platform == "win32":
        return [environment / "Scripts" / "python.exe", environment / "python.exe"]
    return [environment / "bin" / "python"]
