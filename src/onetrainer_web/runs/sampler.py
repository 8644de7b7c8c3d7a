"""What a sampler draws from when nothing is trained: a run of the kind `sample` that keeps a model warm."""

from pathlib import Path
from typing import Any

from onetrainer_web.config.enums import TrainingMethod


def sampler_config(current: dict[str, Any], last: dict[str, Any] | None, newest_save: Path | None) -> dict[str, Any]:
    """The configuration of a sampler.

    People who have just trained want to see what came of it: the newest save of the last run, as long as that run
    was made from the model of the current configuration. Otherwise it is the current configuration's model.

    Args:
        current: The configuration being edited; its samples are drawn by default.
        last: The configuration of the last training run.
        newest_save: Its newest model file that is still there.
    """
    if last is None or newest_save is None or _model(last) != _model(current):
        return current
    return {**trained_config(last, newest_save), "samples": current.get("samples")}


def trained_config(config: dict[str, Any], save: Path) -> dict[str, Any]:
    """`config` with what its run has made in the place where that method expects what it goes on from."""
    path = str(save)
    match config.get("training_method"):
        case TrainingMethod.LORA:
            return {**config, "lora_model_name": path}
        case TrainingMethod.EMBEDDING:
            return {**config, "embedding": {**config["embedding"], "model_name": path}}
        case _:
            return {**config, "base_model_name": path}


def draws_alike(sampler: dict[str, Any], wanted: dict[str, Any], *, own_samples: bool) -> bool:
    """Whether a warm sampler can be used instead of a new one.

    Args:
        sampler: Configuration of the warm one.
        wanted: Configuration that a new one would have.
        own_samples: Whether the configuration's list of samples is to be drawn.
    """
    return sampler == wanted if own_samples else _without_samples(sampler) == _without_samples(wanted)


def _model(config: dict[str, Any]) -> tuple[Any, Any]:
    return config.get("model_type"), config.get("base_model_name")


def _without_samples(config: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key != "samples"}
