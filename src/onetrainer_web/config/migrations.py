"""Older versions of the format, brought to today's: one small function a version, each safe on partial files.

A file says its version under `__version`. OneTrainer takes a missing one for version 0; here a file without it is read
as the version whose keys it shows (`evident_version`), because presets and hand-written files carry none.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import ModelType, TrainingMethod
from onetrainer_web.config.families import facts
from onetrainer_web.config.model_facts import MODEL_PARTS
from onetrainer_web.config.optimizers import TrainOptimizerConfig
from onetrainer_web.config.training import TrainConfig

_EARLY_PARTS = (
    "unet",
    "prior",
    "text_encoder",
    "text_encoder_2",
    "vae",
    "effnet_encoder",
    "decoder",
    "decoder_text_encoder",
    "decoder_vqgan",
)
_WUERSTCHEN = (ModelType.WUERSTCHEN_2, ModelType.STABLE_CASCADE_1)
_NEVER_COMMON = "vae"
"""The part that had a number format of its own from the start."""
_GLOBAL_OFFLOADING = {"enable_activation_offloading", "layer_offload_fraction", "enable_async_offloading"}

_Step = Callable[[dict[str, Any]], None]


def migrate_config(data: dict[str, Any], version: int) -> int | None:
    """Bring the keys of `data` (changed in place) from `version` to today's; the version it came from, or None."""
    for step in _CONFIG_STEPS[version:]:
        step(data)
    return version if version < TrainConfig.version else None


def migrate_concept(data: dict[str, Any], version: int) -> None:
    """Bring the keys of a concept (changed in place) from `version` to today's."""
    for step in _CONCEPT_STEPS[version:]:
        step(data)


def evident_version(data: Mapping[str, Any]) -> int:
    """The version that a training configuration without `__version` shows by its keys; today's when none is old."""
    shown = (version for version, shows in _OLD_KEYS.items() if shows(data))
    return min(shown, default=TrainConfig.version)


def version_of_globals(data: Mapping[str, Any]) -> int:
    """The newest version that `data` can have: for a few days files of today's version still had global offloading."""
    return TrainConfig.version - 1 if _OLD_KEYS[TrainConfig.version - 1](data) else TrainConfig.version


def evident_concept_version(data: Mapping[str, Any]) -> int:
    """The version that a concept without `__version` shows by its keys."""
    if "repeats" in data:
        return 0
    return 1 if "validation_concept" in data else ConceptConfig.version


_PARAMETERS = TrainOptimizerConfig.model_fields.keys() - TrainConfig.model_fields.keys()


def _nest_optimizer(data: dict[str, Any]) -> None:
    """0 → 1: flat `optimizer_*` keys become the object `optimizer`, remembered under its name too.

    For some weeks they had no prefix, and in some files "None" stands for null.
    """
    optimizer = data.pop("optimizer", None)
    flat = {key.removeprefix("optimizer_"): data.pop(key) for key in list(data) if _is_flat_optimizer_key(key)}
    if isinstance(optimizer, str):
        flat = {key: data.pop(key) for key in list(data) if key in _PARAMETERS} | flat
    # Each optimizer has its own default.
    flat = {key: value for key, value in flat.items() if value not in (None, "None")}
    if isinstance(optimizer, Mapping):
        flat |= cast("Mapping[str, Any]", optimizer)
    elif optimizer is not None:
        flat["optimizer"] = optimizer
    if flat:
        data["optimizer"] = flat
    if isinstance(optimizer, str):
        data.setdefault("optimizer_defaults", {optimizer: dict(flat)})


def _nest_parts(data: dict[str, Any]) -> None:
    """1 → 2: flat keys of model parts become one object a part."""
    for part in _EARLY_PARTS:
        old_keys = _flat_part_keys(part)
        settings = {new: data.pop(old) for old, new in old_keys.items() if old in data}
        if "stop_training_after" in settings:
            settings["stop_training_after_unit"] = "EPOCH"
        if settings or part != _NEVER_COMMON:
            data[part] = settings | _object(data, part)


def _name_loss_weight(data: dict[str, Any]) -> None:
    """2 → 3: `min_snr_gamma` becomes a choice among several loss weights."""
    if gamma := data.pop("min_snr_gamma", None):
        data.update(loss_weight_fn="MIN_SNR_GAMMA", loss_weight_strength=gamma)
    elif _model_type(data) in _WUERSTCHEN:
        data.update(loss_weight_fn="P2", loss_weight_strength=1.0)


def _name_timestep_distribution(data: dict[str, Any]) -> None:
    """3 → 4: a noising weight becomes the distribution SIGMOID, whose bias is counted from 0 instead of 0.5."""
    if "timestep_distribution" in data:
        return  # a mixture of old and new keys: what is said outright counts
    if _number(data.get("noising_weight")):
        bias = _number(data.get("noising_bias"))
        data.update(timestep_distribution="SIGMOID", noising_bias=(0.5 if bias is None else bias) - 0.5)
    else:
        data.update(timestep_distribution="UNIFORM", noising_weight=0.0, noising_bias=0.0)


def _name_gradient_checkpointing(data: dict[str, Any]) -> None:
    """4 → 5: gradient checkpointing is no longer just on or off."""
    if isinstance(on := data.get("gradient_checkpointing"), bool):
        data["gradient_checkpointing"] = "ON" if on else "OFF"


def _rename_save_after(data: dict[str, Any]) -> None:
    """5 → 6: `save_after` is called `save_every`."""
    _rename(data, {"save_after": "save_every", "save_after_unit": "save_every_unit"})


def _name_full_layer_preset(data: dict[str, Any]) -> None:
    """6 → 7: the layer preset of all layers has a name."""
    if "lora_layer_preset" in data and data["lora_layer_preset"] is None:
        data["lora_layer_preset"] = "full"


def _rename_layer_filter(data: dict[str, Any]) -> None:
    """7 → 8: layers can be chosen without LoRA too."""
    _rename(
        data,
        {
            "lora_layers": "layer_filter",
            "lora_layer_preset": "layer_filter_preset",
            "lora_layers_regex": "layer_filter_regex",
        },
    )


def _split_prior_and_transformer(data: dict[str, Any]) -> None:
    """8 → 9: what was called prior is a transformer, except in Würstchen and Cascade."""
    if "prior" in data and _model_type(data) not in _WUERSTCHEN:
        data.setdefault("transformer", dict(_object(data, "prior")))


def _spread_weight_dtype(data: dict[str, Any]) -> None:
    """9 → 10: each part says its own number format; "NONE" meant the common one."""
    common = data.pop("weight_dtype", None)
    if common:
        _add_missing_parts(data, but=_NEVER_COMMON)
    for part in _parts_in(data):
        own = part.get("weight_dtype", "NONE" if common else None)
        if own == "NONE":
            part["weight_dtype"] = common or "FLOAT_32"


def _spread_checkpointing(data: dict[str, Any]) -> None:
    """10 → 11: checkpointing and offloading are set for each part, and output formats have explicit names."""
    mode = str(data.get("gradient_checkpointing")).upper()
    offloads = mode == "CPU_OFFLOADED"
    activations = data.pop("enable_activation_offloading", True)
    # A fraction that nothing was to be done with stays for the reader, who says so.
    is_used = offloads or not _number(data.get("layer_offload_fraction"))
    fraction = data.pop("layer_offload_fraction", 0.0) if is_used else 0.0
    _rename(data, {"enable_async_offloading": "async_offloading"})
    if mode in ("OFF", "ON", "CPU_OFFLOADED"):
        del data["gradient_checkpointing"]
        _add_missing_parts(data)
        for part in _parts_in(data):
            part.setdefault("gradient_checkpointing", mode != "OFF")
            part.setdefault("activation_offloading", offloads and bool(activations))
            part.setdefault("offload_fraction", fraction if offloads else 0.0)
    if data.get("output_model_format") == "SAFETENSORS":
        data["output_model_format"] = _explicit_format(data)


def _explicit_format(data: Mapping[str, Any]) -> str:
    method = data.get("training_method", TrainConfig().training_method)
    if method == TrainingMethod.EMBEDDING:
        return "SAFETENSORS"
    return "LEGACY_LORA" if method == TrainingMethod.LORA else "LEGACY_SAFETENSORS"


def _rename_repeats(data: dict[str, Any]) -> None:
    """Concept 0 → 1: repeats may be fractions, so they are called balancing."""
    _rename(data, {"repeats": "balancing"})


def _name_concept_type(data: dict[str, Any]) -> None:
    """Concept 1 → 2: a concept has a type, of which validation is one."""
    if "validation_concept" in data:
        data["type"] = "VALIDATION" if data.pop("validation_concept") else "STANDARD"


_CONFIG_STEPS: tuple[_Step, ...] = (
    _nest_optimizer,
    _nest_parts,
    _name_loss_weight,
    _name_timestep_distribution,
    _name_gradient_checkpointing,
    _rename_save_after,
    _name_full_layer_preset,
    _rename_layer_filter,
    _split_prior_and_transformer,
    _spread_weight_dtype,
    _spread_checkpointing,
)
_CONCEPT_STEPS: tuple[_Step, ...] = (_rename_repeats, _name_concept_type)


def _is_flat_optimizer_key(key: str) -> bool:
    return key.startswith("optimizer_") and key != "optimizer_defaults"


def _flat_part_keys(part: str) -> dict[str, str]:
    return {
        f"train_{part}": "train",
        f"train_{part}_epochs": "stop_training_after",
        f"{part}_learning_rate": "learning_rate",
        f"{part}_weight_dtype": "weight_dtype",
        f"{part}_model_name": "model_name",
    }


_FLAT_PART_KEYS = {key for part in _EARLY_PARTS for key in _flat_part_keys(part)}

_OLD_KEYS: dict[int, Callable[[Mapping[str, Any]], bool]] = {
    0: lambda data: isinstance(data.get("optimizer"), str) or any(map(_is_flat_optimizer_key, data)),
    1: lambda data: not _FLAT_PART_KEYS.isdisjoint(data),
    2: lambda data: "min_snr_gamma" in data,
    4: lambda data: isinstance(data.get("gradient_checkpointing"), bool),
    5: lambda data: not {"save_after", "save_after_unit"}.isdisjoint(data),
    6: lambda data: not {"lora_layers", "lora_layer_preset", "lora_layers_regex"}.isdisjoint(data),
    9: lambda data: "weight_dtype" in data and _has_common_dtype(data),
    10: lambda data: not (_GLOBAL_OFFLOADING | {"gradient_checkpointing"}).isdisjoint(data),
}


def _has_common_dtype(data: Mapping[str, Any]) -> bool:
    """Whether a part, or all of them, leave their number format to the common one."""
    parts = _parts_in(data)
    return not parts or any(part.get("weight_dtype") == "NONE" for part in parts)


def _add_missing_parts(data: dict[str, Any], *, but: str = "") -> None:
    """Give objects to the parts of the model, so that a common setting reaches them, when even the denoiser has none.

    A file that has it was written part by part: OneTrainer leaves the parts that it lacks at their defaults.
    """
    model = facts(_model_type(data) or TrainConfig().model_type)
    if not isinstance(data.get(model.denoiser), dict):
        data.update({part: {} for part in model.parts if part != but and not isinstance(data.get(part), dict)})


def _parts_in(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The objects of model parts that `data` holds."""
    return [_object(data, part) for part in MODEL_PARTS if isinstance(data.get(part), dict)]


def _object(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _rename(data: dict[str, Any], names: Mapping[str, str]) -> None:
    for old, new in names.items():
        if old in data:
            data[new] = data.pop(old)


def _model_type(data: Mapping[str, Any]) -> ModelType | None:
    try:
        return ModelType(data.get("model_type"))
    except ValueError:
        return None


def _number(value: Any) -> float | None:
    """`value` as a number, None when it is none: what does not convert is reported by the reader."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None
