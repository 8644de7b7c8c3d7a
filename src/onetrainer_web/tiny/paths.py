"""Where the embedded model lies, for code that must not import torch to know it."""

from pathlib import Path


def tiny_model_folder() -> Path:
    """Give the folder of the embedded model, in diffusers format (it holds `model_index.json`)."""
    return Path(__file__).parent / "model"
