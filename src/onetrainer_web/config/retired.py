"""Keys and values that OneTrainer has given up or moved without a migration, and what stands for them today.

Every file that OneTrainer wrote by itself carries some of them. What changed nothing goes without a word, what has a
successor is taken over, and the rest is told with the place where it went.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from onetrainer_web.config.enums import AttentionMechanism, ModelFormat, ModelType, Optimizer, TrainingMethod
from onetrainer_web.config.families import facts
from onetrainer_web.config.repair import Note
from onetrainer_web.config.training import TrainConfig

_VALUES: Mapping[str, Mapping[str, str]] = {
    "attention_mechanism": {"DEFAULT": AttentionMechanism.SDP, "XFORMERS": AttentionMechanism.SDP},
    "output_model_format": {"CKPT": ModelFormat.SAFETENSORS},
    "optimizer.optimizer": {
        "LION_PRODIGY_ADV": Optimizer.PRODIGY_ADV,  # it finds its own rate as well
        "SIMPLIFIED_ADEMAMIX": Optimizer.ADAMW_ADV,
    },
    "model_type": {"KANDINSKY_21": ModelType.STABLE_DIFFUSION_15},
}
"""What stands for a value that is no longer known, by the key and the value in capitals."""

_MOVED: Mapping[str, str] = {
    "quantization_layer_filter": "quantization.layer_filter",
    "quantization_layer_filter_preset": "quantization.layer_filter_preset",
    "quantization_layer_filter_regex": "quantization.layer_filter_regex",
    "token_count": "embedding.token_count",
    "initial_embedding_text": "embedding.initial_embedding_text",
    "embedding.weight_dtype": "embedding_weight_dtype",
    "dropout_pct": "dropout_probability",
    "weight_decay": "optimizer.weight_decay",
    "scale_loss_type": "loss_scaler",
    "scale_lr_type": "learning_rate_scaler",
}
"""Keys whose values are taken over where the new key is not there."""

_EXTRA_MODEL: Mapping[str, str] = {
    TrainingMethod.LORA: "lora_model_name",
    TrainingMethod.EMBEDDING: "embedding.model_name",
}
"""What `extra_model_name` meant for each method; for others nothing."""


@dataclass(frozen=True)
class _Retired:
    """A key that no version reads any more."""

    usual: tuple[Any, ...]
    """Its values that changed nothing."""
    now: str
    """What became of it."""


_OF_CONCEPTS = "Each concept says its own: switch on {} under image there."
_REWARD = _Retired((False, None), "Training by a reward model is gone, from OneTrainer as well.")
_CONSTRAINED = _Retired((False, None), "The constraint of OFT is gone, from OneTrainer as well.")
_OF_VARIATIONS = "Each concept says its own: set image_variations and text_variations there."
_OF_PARTS = _Retired((None,), "All parts compute in train_dtype.")
_OF_OPTIMIZERS = "The optimizers have it no longer, in OneTrainer neither."

_KEYS: Mapping[str, _Retired] = {
    "align_prop": _REWARD,
    "oft_coft": _CONSTRAINED,
    "circular_mask_generation": _Retired((False, None), _OF_CONCEPTS.format("enable_random_circular_mask_shrink")),
    "random_rotate_and_crop": _Retired((False, None), _OF_CONCEPTS.format("enable_random_mask_rotate_crop")),
    "latent_caching_epochs": _Retired((1, None), _OF_VARIATIONS),
    "loss_function": _Retired(
        ("MSE", None), "Say how much each loss counts, by mse_strength, mae_strength and others."
    ),
    "unet_train_dtype": _OF_PARTS,
    "prior_train_dtype": _OF_PARTS,
    "text_encoder_train_dtype": _OF_PARTS,
    "text_encoder_2_train_dtype": _OF_PARTS,
    "sequential_model_setup": _Retired((False, None), "OneTrainer decides this by itself today."),
    "min_snr_gamma": _Retired((0, None), "Choose the loss weight Min-SNR and enter this as its strength."),
    "embedding_model_names": _Retired(([], None), "Name these files under additional_embeddings."),
    "embeddings": _Retired(([], None), "Name them under embedding and additional_embeddings."),
    "betas": _Retired(([0.999, 0.999], {"x": 0.999, "y": 0.999}, None), "Set optimizer.beta1 and optimizer.beta2."),
    "eps_tuple": _Retired(([1e-30, 0.001], {"x": 1e-30, "y": 0.001}, None), "Set optimizer.eps and optimizer.eps2."),
    "optimizer.cautious_mask": _Retired((False, None), _OF_OPTIMIZERS),
    "optimizer.grams_moment": _Retired((False, None), _OF_OPTIMIZERS),
    "optimizer.use_focus": _Retired((False, None), _OF_OPTIMIZERS),
    "optimizer.use_muon_pp": _Retired((False, None), _OF_OPTIMIZERS),
    "optimizer.k_warmup_steps": _Retired((None,), _OF_OPTIMIZERS),
    "optimizer.normuon_eps": _Retired((None,), _OF_OPTIMIZERS),
    "optimizer.kappa_p": _Retired((None,), _OF_OPTIMIZERS),
    "samples.prior_attention_mask": _Retired((False, None), "Samples have no such setting any more."),
}

_SWITCHED = {
    "align_prop": (
        "align_prop_probability",
        "align_prop_loss",
        "align_prop_weight",
        "align_prop_steps",
        "align_prop_truncate_steps",
        "align_prop_cfg_scale",
    ),
    "oft_coft": ("coft_eps",),
}
"""Keys that meant nothing without their switch, which is told for them."""


def replace_retired_values(data: dict[str, Any]) -> list[Note]:
    """Put today's values for those that are no longer known, with a note for each; `data` is changed in place."""
    notes: list[Note] = []
    for path, successors in _VALUES.items():
        parent, _, key = path.rpartition(".")
        for place, owner in _owners(data, parent):
            value = owner.get(key)
            if isinstance(value, str) and (successor := successors.get(value.strip().upper())):
                owner[key] = successor
                notes.append(_replaced(f"{place}{key}", value.strip(), str(successor)))
    if any(note.path == "output_model_format" for note in notes):
        _end_in_safetensors(data)
    return [*notes, *_replace_legacy_format(data)]


def take_over_retired_keys(data: dict[str, Any]) -> list[Note]:
    """Move what has another place today, and drop the rest with a note where it meant anything."""
    _take_over_embeddings(data)
    if new := _EXTRA_MODEL.get(str(data.get("training_method"))):
        _put(data, new, data.get("extra_model_name") or "")
    data.pop("extra_model_name", None)
    notes: list[Note] = []
    for old, new in _MOVED.items():
        parent, _, key = old.rpartition(".")
        for place, owner in _owners(data, parent):
            if key in owner and not _put(data, new, owner.pop(key)):
                message = f"{place}{key} is known no longer and is ignored, because {new} says otherwise."
                notes.append(Note(path=f"{place}{key}", code="unknown_key", message=message))
    for _, text in _objects(data, "", ["concepts", "text"]):
        if text.get("tag_dropout_mode") == "NONE":  # dropped nothing, whatever the switch said
            text.update(tag_dropout_enable=False)
            del text["tag_dropout_mode"]
    for switch, keys in _SWITCHED.items():
        for key in keys if switch in data else ():
            data.pop(key, None)
    return [*notes, *_drop_retired(data)]


def _drop_retired(data: dict[str, Any]) -> Iterator[Note]:
    for path, retired in _KEYS.items():
        parent, _, key = path.rpartition(".")
        for place, owner in _owners(data, parent):
            if key in owner and owner.pop(key) not in retired.usual:
                message = f"{place}{key} is known no longer and is ignored. {retired.now}"
                yield Note(path=f"{place}{key}", code="unknown_key", message=message)


def _replaced(path: str, value: str, successor: str) -> Note:
    message = f"{path} is {value}, which OneTrainer has given up; {successor} is used."
    if path == "model_type":
        message += " Choose the model type of your base model."
    return Note(path=path, code="retired_value", message=message)


def _replace_legacy_format(data: dict[str, Any]) -> Iterator[Note]:
    """The layout of earlier versions, which migrating a file names also for models that never had one."""
    try:
        model = facts(ModelType(data.get("model_type", TrainConfig().model_type)))
        offered = model.formats.get(TrainingMethod(data.get("training_method", TrainConfig().training_method)), ())
    except ValueError:
        return
    chosen = data.get("output_model_format")
    if chosen in (ModelFormat.LEGACY_LORA, ModelFormat.LEGACY_SAFETENSORS) and offered and chosen not in offered:
        data["output_model_format"] = ModelFormat.SAFETENSORS
        message = f"output_model_format is {chosen}, a layout that {model.label} never had; the usual one is used."
        yield Note(path="output_model_format", code="retired_value", message=message)


def _end_in_safetensors(data: dict[str, Any]) -> None:
    """A path that was made for the retired format ends as what is written now."""
    path = data.get("output_model_destination")
    if isinstance(path, str) and path.lower().endswith(".ckpt"):
        data["output_model_destination"] = f"{path[: -len('.ckpt')]}.safetensors"


def _take_over_embeddings(data: dict[str, Any]) -> None:
    """The first of the embeddings that early versions listed is the one that is trained."""
    listed, names = data.get("embeddings"), data.get("embedding_model_names")
    if isinstance(listed, list) and listed and isinstance(listed[0], dict):
        first, *others = cast("list[dict[str, Any]]", listed)
        for key, value in first.items():
            _put(data, f"embedding.{key}", value)
        data["embeddings"] = others
    if isinstance(names, list) and names:
        first_name, *other_names = cast("list[Any]", names)
        _put(data, "embedding.model_name", first_name)
        data["embedding_model_names"] = other_names


def _owners(data: dict[str, Any], parent: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects that keys of `parent` may stand in, each with the beginning of their dotted names."""
    yield from _objects(data, "", parent.split(".") if parent else [])
    if parent == "optimizer":
        yield from _objects(data, "", ["optimizer_defaults", ""])


def _objects(value: Any, place: str, steps: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects that a path leads to through `value`: through every element of a list, and of a mapping for ""."""
    is_mapping = isinstance(value, dict)
    if isinstance(value, list) or (is_mapping and steps[:1] == [""]):
        elements = cast("dict[str, Any]", value).items() if is_mapping else enumerate(cast("list[Any]", value))
        for name, element in elements:
            yield from _objects(element, f"{place}{name}.", steps[is_mapping:])
    elif is_mapping and steps:
        yield from _objects(cast("dict[str, Any]", value).get(steps[0]), f"{place}{steps[0]}.", steps[1:])
    elif is_mapping:
        yield place, cast("dict[str, Any]", value)


def _put(data: dict[str, Any], path: str, value: Any) -> bool:
    """Set a key that is not there yet; gives whether it has the value now."""
    parent, _, key = path.rpartition(".")
    owner = data.setdefault(parent, {}) if parent else data
    if isinstance(owner, dict):
        return cast("dict[str, Any]", owner).setdefault(key, value) == value
    return False
