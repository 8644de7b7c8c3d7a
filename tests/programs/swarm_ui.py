"""SwarmUI's own words for models, and its folders, out of its source."""

import re
from pathlib import Path

from onetrainer_web.config.destinations import FileKind

_FOLDERS = {
    FileKind.ADAPTER: "SDLoraFolder",
    FileKind.MODEL: "SDModelFolder",
    FileKind.EMBEDDING: "SDEmbeddingFolder",
    FileKind.TEXT_ENCODER: "SDClipFolder",
    FileKind.AUTOENCODER: "SDVAEFolder",
}
"""Its settings."""


class SwarmUi:
    """Sorts as SwarmUI does."""

    def __init__(self, checkout: Path) -> None:
        sorter = (checkout / "src/Text2Image/T2IModelClassSorter.cs").read_text()
        self._names = {*re.findall(r'Register\(new\(\) \{ ID = "([^"]+)"', sorter)}
        self._names |= {*re.findall(r'Remaps\["([^"]+)"\]', sorter)}
        self._settings = (checkout / "src/Core/Settings.cs").read_text()

    def knows(self, architecture: str) -> bool:
        """Whether it sorts whole models or adapters by this name; it compares small letters."""
        return architecture.lower() in {name.lower().removesuffix("/lora") for name in self._names}

    def folders(self) -> dict[FileKind, str]:
        """The first one for each kind of file."""
        found = {name: re.search(rf'string {name} = "([^";]+)', self._settings) for name in _FOLDERS.values()}
        root = re.search(r'string ModelRoot = "([^"]+)"', self._settings)
        assert root
        return {kind: f"{root[1]}/{match[1]}" for kind, name in _FOLDERS.items() if (match := found[name])}
