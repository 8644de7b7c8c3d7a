"""Which files and folders of the machine a request, or a run, may name."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from onetrainer_web.errors import InvalidConfigError
from onetrainer_web.protocol.workspace import Workspace

_SETTINGS_OF_PATHS = {
    *("base_model_name", "model_name", "lora_model_name", "huggingface_cache_dir", "output_model_destination"),
    *("workspace_dir", "cache_dir", "debug_dir", "path", "prompt_path", "base_image_path", "mask_image_path"),
    *("concept_file_name", "sample_definition_file_name"),
}
"""Names of settings that hold a path, wherever in a configuration they stand."""


class PathRefusedError(InvalidConfigError):
    """A path outside the folders that may be read."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path!r} lies outside the folders this server may read. Copy what you need into the workspace, or start "
            "the server with its folder in ONETRAINER_WEB_ALLOWED_ROOTS."
        )


class AllowedPaths:
    """The workspace and the folders that the server's settings allow; all of the machine when they name none."""

    def __init__(self, workspace: Workspace, roots: Sequence[Path] = ()) -> None:
        self._workspace = workspace
        self._roots = [root.expanduser().resolve() for root in roots]

    @property
    def is_limited(self) -> bool:
        """Whether there are paths of the machine that may not be read."""
        return bool(self._roots)

    @property
    def starting_points(self) -> list[Path]:
        """Where somebody begins to look around."""
        places = self._roots or [Path.home(), Path(self._workspace.folder.anchor)]
        return list(dict.fromkeys([self._workspace.datasets, *places]))

    def holds(self, path: Path) -> bool:
        """Whether `path`, resolved, may be read."""
        allowed = [self._workspace.folder, *self._roots]
        return not self._roots or any(path.is_relative_to(root) for root in allowed)

    def resolve(self, text: str) -> Path:
        """The path that a request means, relative to the workspace, with links followed.

        Raises:
            PathRefusedError: It lies elsewhere.
        """
        path = self._workspace.resolve(text).resolve()
        if not self.holds(path):
            raise PathRefusedError(text)
        return path

    def check(self, settings: dict[str, Any] | list[dict[str, Any]]) -> None:
        """Refuse a configuration, or a part of one, that names what this server may not read.

        Raises:
            PathRefusedError: It does.
        """
        for _, text in self.refused_in(settings):
            raise PathRefusedError(text)

    def refused_in(self, settings: Any, place: str = "") -> Iterator[tuple[str, str]]:
        """Place and text of every path in a configuration, or a part of it, that lies elsewhere."""
        is_list = isinstance(settings, list)
        items = enumerate(cast("list[Any]", settings)) if is_list else cast("dict[str, Any]", settings).items()
        for key, value in items if self._roots else ():
            path = f"{place}.{key}".lstrip(".")
            if isinstance(value, dict | list) and path != "cloud":  # whose paths are those of another machine
                yield from self.refused_in(value, path)
            elif isinstance(value, str) and key in _SETTINGS_OF_PATHS and not self._holds_text(value):
                yield path, value

    def _holds_text(self, text: str) -> bool:
        try:
            return self.holds(self._workspace.resolve(text).resolve())
        except (OSError, RuntimeError, ValueError):  # a name that no file can have, a home folder of nobody
            return True

    def name_of(self, path: Path) -> str:
        """What a configuration calls a path: relative to the workspace inside it, else absolute."""
        folder = self._workspace.folder
        return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
