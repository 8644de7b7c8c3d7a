"""What saved safetensors files say about themselves: the modelspec keys that model browsers show."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import torch
from torch import Tensor

from onetrainer_web import __version__
from onetrainer_web.config.enums import ConfigPart
from onetrainer_web.config.files import config_to_dict
from onetrainer_web.config.training import TrainConfig


def build_metadata(config: TrainConfig, architecture: str, title: str, prediction: str) -> dict[str, str]:
    """Metadata for a saved file; the configuration is put in as `include_train_config` says."""
    found = {
        "format": "pt",
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": architecture,
        "modelspec.implementation": "diffusers",
        "modelspec.title": title,
        "modelspec.date": datetime.now(UTC).isoformat(timespec="seconds"),
        "modelspec.resolution": config.resolution,
        "modelspec.prediction_type": prediction,
        "onetrainer_web.version": __version__,
        "onetrainer_web.base_model": config.base_model_name,
    }
    if config.include_train_config is not ConfigPart.NONE:
        form = "packed" if config.include_train_config is ConfigPart.ALL else "settings"
        found["ot_config"] = json.dumps(config_to_dict(config, form))
    return found


def with_hash(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """The metadata with the modelspec hash: SHA-256 over the tensors' bytes in order of their names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        flat = tensors[name].detach().cpu().contiguous().flatten()
        digest.update(flat.view(torch.uint8).numpy().data)
    return {**metadata, "modelspec.hash_sha256": f"0x{digest.hexdigest()}"}
