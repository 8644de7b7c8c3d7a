"""Folders of diffusers: the file in each that names its components."""

from pathlib import Path

INDEX, MODULAR_INDEX = "model_index.json", "modular_model_index.json"
"""Of a pipeline, and of one that is put together of blocks."""
INDEXES = (INDEX, MODULAR_INDEX)


def index_of(folder: Path) -> Path | None:
    """The file that names the components of a folder; None when it holds no model."""
    return next((folder / name for name in INDEXES if (folder / name).is_file()), None)
