"""Settings that contradict each other or mean nothing together; nothing of the machine is looked at."""

import math
import re
from collections.abc import Iterator
from pathlib import PurePath

from onetrainer_web.config.checks.issue import Issue, Subject, error, warning
from onetrainer_web.config.devices import devices_of, why_undivided
from onetrainer_web.config.enums import (
    ConceptType,
    DataType,
    LearningRateScheduler,
    LossWeight,
    ModelFormat,
    Optimizer,
    TrainingMethod,
)
from onetrainer_web.config.fields import label_of
from onetrainer_web.config.layer_filters import UnknownLayerPresetError, layer_filter_of
from onetrainer_web.config.model_facts import Formulation
from onetrainer_web.config.optimizer_tables import FUSED_BACK_PASS, NEEDS_MOMENTUM, PARAMETERS, SCHEDULE_FREE
from onetrainer_web.config.optimizers import TrainOptimizerConfig
from onetrainer_web.config.output import learning_parts, mixed_on_cpu, trained_parts
from onetrainer_web.config.resolution import parse_sides
from onetrainer_web.config.settings.options import label_of_value
from onetrainer_web.config.text import whole_number
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.errors import InvalidConfigError

_DEFAULTS = TrainConfig()
_PICKLES = (".ckpt", ".pt", ".pth", ".bin")
_OPTIMIZER_DEFAULTS = TrainOptimizerConfig()
_TRAINABLE_DTYPES = (DataType.FLOAT_32, DataType.TFLOAT_32, DataType.BFLOAT_16, DataType.FLOAT_16)
_DEVICE = re.compile(r"(cpu|mps|cuda)(:\d+)?|", re.IGNORECASE)
_FLOATS = tuple(name for name, info in TrainConfig.model_fields.items() if "float" in str(info.annotation))


def check_output(subject: Subject) -> Iterator[Issue]:
    """A format that the model or method does not have, or a path that does not fit it."""
    config, facts = subject.config, subject.facts
    offered = facts.formats.get(config.training_method, ())
    chosen = config.output_model_format
    # OneTrainer's default stands for "the usual single file" with every method.
    if offered and chosen not in (*offered, ModelFormat.SAFETENSORS):
        names = ", ".join(map(label_of_value, offered))
        method = label_of_value(config.training_method)
        message = f"{method} of {facts.label} is not written as {label_of_value(chosen)}. Choose one of: {names}."
        yield error("output_model_format", "format_not_offered", message)
    elif set(offered) == {ModelFormat.DIFFUSERS} and chosen == ModelFormat.SAFETENSORS:
        message = f"{facts.label} is written as a folder, not as one file. Choose {label_of_value(offered[0])}."
        yield subject.needed("output_model_format", "format_is_a_folder", message)
    if set(config.save_filename_prefix) & {"/", "\\"}:
        message = "The prefix of saves is the beginning of a file name. Remove its slashes, or set an output path."
        yield error("save_filename_prefix", "prefix_is_path", message)
    destination = config.output_model_destination
    if destination in ("", _DEFAULTS.output_model_destination):
        return
    suffix = PurePath(destination).suffix.lower()
    if chosen == ModelFormat.DIFFUSERS and suffix in (".safetensors", ".ckpt"):
        message = f"The Diffusers format is a folder, but the output path ends in {suffix}. Remove the ending."
        yield error("output_model_destination", "path_format_mismatch", message)
    if chosen != ModelFormat.DIFFUSERS and suffix in _PICKLES:
        message = f"Models are written as safetensors, but the output path ends in {suffix}. Remove the ending."
        yield error("output_model_destination", "path_format_mismatch", message)


def check_resolution(subject: Subject) -> Iterator[Issue]:
    """Resolutions that cannot be read, or that the model cannot use as they are."""
    config = subject.config
    yield from _judge_resolution(subject, "resolution", config.resolution)
    for index, concept in enumerate(config.concepts or ()):
        if concept.enabled and concept.image.enable_resolution_override:
            path = f"concepts.{index}.image.resolution_override"
            yield from _judge_resolution(subject, path, concept.image.resolution_override)


def _judge_resolution(subject: Subject, path: str, text: str) -> Iterator[Issue]:
    multiple = subject.facts.bucket_multiple
    try:
        resolutions = parse_sides(text)
    except InvalidConfigError as problem:
        yield error(path, "resolution_unreadable", f"{label_of(path.split('.'))}: {problem}")
        return
    for sides in resolutions:
        if len(sides) == 2 and not subject.config.aspect_ratio_bucketing:
            message = (
                f"{'x'.join(map(str, sides))} fixes width and height, which needs aspect ratio bucketing. Turn it on."
            )
            yield error(path, "resolution_needs_buckets", message)
        for side in sides:
            if side % multiple:
                nearest = max(1, round(side / multiple)) * multiple
                message = f"{subject.facts.label} needs multiples of {multiple}: {side} is rounded to {nearest}."
                yield warning(path, "resolution_not_multiple", message)


def check_frames(subject: Subject) -> Iterator[Issue]:
    """A number of frames that a video model cannot train on."""
    frames = subject.config.frames.strip()
    if subject.facts.is_video and not whole_number(frames):
        message = f"Frames is {frames[:40]!r}; write one whole number from 1 on, such as 25."
        yield error("frames", "frames_unreadable", message)


def check_device(subject: Subject) -> Iterator[Issue]:
    """A device that our trainer does not know, or that cannot compute as is set."""
    name = subject.config.train_device.strip()
    if not _DEVICE.fullmatch(name):
        message = f"{name!r} is no device to train on, so a GPU or the CPU is taken. Use cuda, cuda:1, mps, or cpu."
        yield warning("train_device", "device_unknown", message)
    elif name.lower().partition(":")[0] == "cpu" and (message := mixed_on_cpu(subject.config)):
        yield warning("train_dtype", "computed_in_float32", message)


def check_several_devices(subject: Subject) -> Iterator[Issue]:
    """Devices that cannot share an update, and what does not happen where several train."""
    config = subject.config
    if reason := why_undivided(config):
        yield error("gradient_accumulation_steps", "batch_not_divided", reason)
    if len(devices_of(config)) > 1 and config.optimizer.fused_back_pass:
        message = "Gradients of several devices are added up first, so weights are updated behind the backward pass."
        yield warning("optimizer.fused_back_pass", "fused_with_devices", message)


def check_parts(subject: Subject) -> Iterator[Issue]:
    """Nothing to train."""
    config, facts = subject.config, subject.facts
    if config.training_method not in (TrainingMethod.LORA, TrainingMethod.FINE_TUNE):
        return
    if not trained_parts(config):
        yield error(
            f"{facts.denoiser}.train", "nothing_trained", "No part of the model is trained. Turn on at least one."
        )


def check_trained_types(subject: Subject) -> Iterator[Issue]:
    """Weights that learn, in number formats that cannot be trained or are too coarse for small changes."""
    for path, dtype in _trained_types(subject):
        if dtype not in _TRAINABLE_DTYPES:
            message = f"Weights in {label_of_value(dtype)} cannot be trained. Choose bfloat16 or float32, or a LoRA."
            yield error(path, "dtype_not_trainable", message)
        elif dtype == DataType.FLOAT_16:
            message = (
                "Small changes vanish in float16 weights, and most optimizers, AdamW among them, soon make them NaN. "
                "Choose float32, or bfloat16 with stochastic rounding."
            )
            yield warning(path, "dtype_too_coarse", message)
        elif dtype == DataType.BFLOAT_16 and not _rounds_by_chance(subject.config.optimizer):
            message = (
                "Small changes vanish in bfloat16 weights without stochastic rounding. Choose float32, or an optimizer "
                "with stochastic rounding and turn it on."
            )
            yield warning(path, "dtype_too_coarse", message)


def check_waiting_layers(subject: Subject) -> Iterator[Issue]:
    """Layers that are to wait in main memory, of a part whose own weights learn."""
    for part in learning_parts(subject.config):
        if getattr(subject.config, part).offload_fraction:
            message = (
                f"{label_of((part,))} learns, and weights that learn stay on the training device: no layers wait "
                "outside. Plan its memory without them, or train a LoRA."
            )
            yield warning(f"{part}.offload_fraction", "offload_without_effect", message)


def _trained_types(subject: Subject) -> Iterator[tuple[str, DataType]]:
    config, method = subject.config, subject.config.training_method
    for part in learning_parts(config):
        yield f"{part}.weight_dtype", getattr(config, part).weight_dtype
    if method == TrainingMethod.LORA:
        yield "lora_weight_dtype", config.lora_weight_dtype
    if method == TrainingMethod.EMBEDDING or config.additional_embeddings:
        yield "embedding_weight_dtype", config.embedding_weight_dtype


def _rounds_by_chance(optimizer: TrainOptimizerConfig) -> bool:
    return optimizer.stochastic_rounding and "stochastic_rounding" in PARAMETERS[optimizer.optimizer]


def check_loss(subject: Subject) -> Iterator[Issue]:
    """A loss that is nothing, or a weight that does not fit what the model predicts."""
    config, facts = subject.config, subject.facts
    strengths = (config.mse_strength, config.mae_strength, config.log_cosh_strength, config.huber_strength)
    if not any(strengths):
        message = "All loss strengths are 0, so nothing is learned. Set the squared error to 1."
        yield error("mse_strength", "no_loss", message)
    if config.huber_strength and not config.huber_delta:
        yield error("huber_delta", "huber_delta_zero", "The Huber error needs a limit above 0.")
    is_flow = facts.formulation == Formulation.FLOW
    fits = (LossWeight.CONSTANT, LossWeight.SIGMA) if is_flow else tuple(w for w in LossWeight if w != LossWeight.SIGMA)
    if config.loss_weight_fn not in fits:
        kind = "a flow model" if is_flow else "a diffusion model"
        message = (
            f"{label_of_value(config.loss_weight_fn)} does not fit {facts.label}, which is {kind}. "
            f"Choose one of: {', '.join(map(label_of_value, fits))}."
        )
        yield error("loss_weight_fn", "loss_weight_mismatch", message)
    if config.loss_weight_fn == LossWeight.MIN_SNR_GAMMA and not config.loss_weight_strength:
        yield error("loss_weight_strength", "no_loss", "Min-SNR with strength 0 removes the whole loss. Set it to 5.")
    is_held = config.masked_training and config.masked_prior_preservation_weight
    if is_held and config.training_method != TrainingMethod.LORA:
        message = "What masks hide is held to the model as it was, which only LoRA keeps: the weight has no effect."
        yield warning("masked_prior_preservation_weight", "prior_needs_lora", message)


def check_noise(subject: Subject) -> Iterator[Issue]:
    """Noise ranges that are empty, and forced predictions that exclude each other."""
    config = subject.config
    if config.min_noising_strength >= config.max_noising_strength:
        message = "The lowest noise must be below the highest, or no noise level is left to train."
        yield error("min_noising_strength", "noise_range_empty", message)
    if not config.timestep_shift:
        yield error("timestep_shift", "shift_zero", "A noise level shift of 0 leaves no noise at all. Set it to 1.")
    forced_epsilon = config.force_epsilon_prediction
    if forced_epsilon and (config.force_v_prediction or config.rescale_noise_scheduler_to_zero_terminal_snr):
        message = "Epsilon prediction excludes v-prediction and training down to pure noise. Turn off one of them."
        yield error("force_epsilon_prediction", "prediction_conflict", message)


def check_optimizer(subject: Subject) -> Iterator[Issue]:
    """Parameters that the chosen optimizer ignores, and combinations that do not work."""
    config = subject.config
    optimizer = config.optimizer
    used = PARAMETERS[optimizer.optimizer]
    name = label_of_value(optimizer.optimizer)
    ignored = [key for key, value in optimizer if _is_ignored(key, value) and key not in used]
    if ignored:
        message = f"{name} does not use: {', '.join(ignored)}. Clear them, or choose another optimizer."
        yield warning(f"optimizer.{ignored[0]}", "optimizer_ignores", message)
    if optimizer.fused_back_pass and optimizer.optimizer not in FUSED_BACK_PASS:
        message = f"{name} cannot update weights during the backward pass. Turn the fused backward pass off."
        yield warning("optimizer.fused_back_pass", "optimizer_ignores", message)
    elif optimizer.fused_back_pass and config.gradient_accumulation_steps > 1:
        message = "A fused backward pass forgets gradients at once, so it cannot accumulate them. Turn one of them off."
        yield error("optimizer.fused_back_pass", "fused_with_accumulation", message)
    elif optimizer.fused_back_pass and config.train_dtype is DataType.FLOAT_16:
        message = "Gradients in float16 are scaled as a whole, so weights are updated behind the backward pass."
        yield warning("optimizer.fused_back_pass", "fused_without_effect", message)
    if optimizer.optimizer in NEEDS_MOMENTUM and not optimizer.momentum:
        message = f"{name} does not work without momentum. Enter one between 0 and 1, such as 0.9."
        yield error("optimizer.momentum", "momentum_missing", message)


def _is_ignored(key: str, value: object) -> bool:
    return key != "optimizer" and value not in (None, getattr(_OPTIMIZER_DEFAULTS, key))


def check_schedule(subject: Subject) -> Iterator[Issue]:
    """Schedules that the optimizer ignores or that lack something."""
    config = subject.config
    chosen = config.learning_rate_scheduler
    optimizer = config.optimizer.optimizer
    if optimizer in SCHEDULE_FREE and (chosen != LearningRateScheduler.CONSTANT or config.learning_rate_warmup_steps):
        message = f"{label_of_value(optimizer)} needs no schedule: the learning rate stays constant, without warm-up."
        yield warning("learning_rate_scheduler", "optimizer_ignores", message)
    if chosen == LearningRateScheduler.CUSTOM and not config.custom_learning_rate_scheduler:
        message = "A custom schedule needs the name of its class, as module.Class."
        yield error("custom_learning_rate_scheduler", "schedule_class_missing", message)
    if chosen == LearningRateScheduler.ADAFACTOR and optimizer != Optimizer.ADAFACTOR:
        message = "Adafactor's schedule only works with the optimizer Adafactor. Choose constant or cosine."
        yield error("learning_rate_scheduler", "schedule_mismatch", message)


def check_adapter(subject: Subject) -> Iterator[Issue]:
    """Adapters that can have no effect."""
    config = subject.config
    if config.training_method == TrainingMethod.LORA and not config.lora_alpha:
        yield error(
            "lora_alpha", "adapter_without_effect", "An alpha of 0 switches the adapter off. Set it to the rank."
        )
    if config.training_method == TrainingMethod.LORA and config.dropout_probability == 1:
        message = "A dropout of 1 switches the whole adapter off. Lower it."
        yield error("dropout_probability", "adapter_without_effect", message)


def check_layer_filters(subject: Subject) -> Iterator[Issue]:
    """Layer names that are no valid patterns, and choices that the model does not have."""
    config = subject.config
    for path, owner in (("layer_filter", config), ("quantization.layer_filter", config.quantization)):
        try:
            layer_filter_of(owner, config.model_type)
        except UnknownLayerPresetError as problem:
            yield error(f"{path}_preset", "layer_preset_unknown", str(problem))
        for pattern in set(owner.layer_filter.split(",")) if owner.layer_filter_regex else ():
            try:
                re.compile(pattern)
            except (re.error, RecursionError, OverflowError) as problem:
                yield error(path, "pattern_invalid", f"The layer pattern {pattern[:60]!r} is not valid: {problem}.")


def check_concepts(subject: Subject) -> Iterator[Issue]:
    """Concepts that are missing or cannot do what they are for."""
    config = subject.config
    enabled = [(index, concept) for index, concept in enumerate(config.concepts or ()) if concept.enabled]
    if not any(concept.type != ConceptType.VALIDATION for _, concept in enabled):
        message = "No concept is enabled, so there is nothing to learn from. Add a folder with pictures."
        if enabled:
            message = "Every enabled concept only validates, so there is nothing to learn from. Add one that trains."
        yield subject.needed("concepts", "no_concept", message)
    for index, concept in enabled:
        if not concept.path:
            message = f"{label_of(('concepts', str(index)))} has no folder. Enter the folder with its pictures."
            yield subject.needed(f"concepts.{index}.path", "concept_path_missing", message)
        if concept.type == ConceptType.VALIDATION and not config.validation:
            label = label_of(("concepts", str(index)))
            message = f"{label} only validates, but validation is off: its pictures do nothing. Turn validation on."
            yield warning(f"concepts.{index}.type", "validation_off", message)
        if concept.type == ConceptType.PRIOR_PREDICTION and config.training_method != TrainingMethod.LORA:
            message = "Prior prediction needs a model that stays as it was, which only LoRA keeps. Choose standard."
            yield error(f"concepts.{index}.type", "prior_needs_lora", message)
        if concept.loss_weight == 0 or concept.balancing == 0:
            message = (
                f"{label_of(('concepts', str(index)))} counts nothing at weight or balancing 0. Disable it instead."
            )
            yield warning(f"concepts.{index}", "concept_without_effect", message)
    if config.validation and not any(concept.type == ConceptType.VALIDATION for _, concept in enabled):
        message = "Validation is on, but no enabled concept has the purpose validation. Add one, or turn it off."
        yield warning("validation", "no_validation_concept", message)


def check_embeddings(subject: Subject) -> Iterator[Issue]:
    """Embeddings that no prompt can name, or two of one name; backups know them by their uuid."""
    config, taken, uuids = subject.config, set[str](), set[str]()
    named = {f"additional_embeddings.{number}": one for number, one in enumerate(config.additional_embeddings)}
    if config.training_method == TrainingMethod.EMBEDDING:
        named = {"embedding": config.embedding, **named}
    for path, embedding in named.items():
        if not embedding.placeholder:
            message = "An embedding has no placeholder, by which prompts name it. Enter one, such as <cat>."
            yield error(f"{path}.placeholder", "placeholder_missing", message)
        elif embedding.placeholder in taken:
            message = f"Two embeddings have the placeholder {embedding.placeholder}. Give each one of its own."
            yield error(f"{path}.placeholder", "placeholder_taken", message)
        taken.add(embedding.placeholder)
        if embedding.uuid.casefold() in uuids:
            message = (
                f"The embedding {embedding.placeholder} has the uuid of another one, so backups would keep only one of "
                "them. Remove its uuid, and it gets one of its own."
            )
            yield error(f"{path}.uuid", "uuid_taken", message)
        uuids.add(embedding.uuid.casefold())


def check_samples(subject: Subject) -> Iterator[Issue]:
    """Sample sizes that the model cannot draw exactly."""
    multiple = subject.facts.sample_multiple
    for index, sample in enumerate(subject.config.samples or ()):
        for side in ("width", "height"):
            value = getattr(sample, side)
            if sample.enabled and value % multiple:
                nearest = max(1, round(value / multiple)) * multiple
                message = f"{label_of(('samples', str(index)))}: a {side} of {value} is drawn as {nearest}."
                yield warning(f"samples.{index}.{side}", "sample_not_multiple", message)


def check_finite(subject: Subject) -> Iterator[Issue]:
    """Infinite numbers, which files can hold and no training can use."""
    for name in _FLOATS:
        value = getattr(subject.config, name)
        if value is not None and not math.isfinite(value):
            yield error(name, "infinite", f"{label_of((name,))} is infinite. Enter a number.")
    for index, concept in enumerate(subject.config.concepts or ()):
        for name in ("balancing", "loss_weight"):
            if not math.isfinite(getattr(concept, name)):
                label = label_of(("concepts", str(index), name))
                yield error(f"concepts.{index}.{name}", "infinite", f"{label} is infinite. Enter a number.")
