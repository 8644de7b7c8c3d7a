"""How much memory a training will hold: its own code, from loading to sampling, on tensors without numbers."""

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from onetrainer_web.config.enums import TrainingMethod
from onetrainer_web.config.families import facts, sample_defaults
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.augment import reads_masks
from onetrainer_web.dataset.buckets import parse_resolution, training_size
from onetrainer_web.dataset.sizes import Size
from onetrainer_web.dataset.views import ClipLength
from onetrainer_web.engine.loop.encoders import FamilyEncoders
from onetrainer_web.engine.loop.loading import Loaded, load_model
from onetrainer_web.engine.loop.step import TrainStep
from onetrainer_web.engine.loop.trained import Trained
from onetrainer_web.engine.runtime.errors import ModelNotFoundError
from onetrainer_web.engine.runtime.pretending import CARD, LiveMemory, Peak, pretended_card, pretending
from onetrainer_web.engine.runtime.ranks import Ranks
from onetrainer_web.engine.samples.drawing import draw
from onetrainer_web.engine.seams.interfaces import DrawRequest
from onetrainer_web.engine.weights.blueprints import Blueprints
from onetrainer_web.engine.weights.diffusers_folder import made_by
from onetrainer_web.engine.weights.location import locate
from onetrainer_web.pipeline.batches import Batch
from onetrainer_web.pipeline.encode import BATCH_SIZE, MAX_BATCH_PIXELS
from onetrainer_web.protocol.estimates import Estimate, Held, PhaseEstimate
from onetrainer_web.protocol.events import Progress

MIB = 2**20
CONTEXT_BYTES = 600 * MIB
"""Assumed of CUDA's context with the libraries that torch loads into it."""
SLACK = 0.05
"""Assumed share of what torch's allocator holds and cannot use, since it lies between tensors."""
_PROMPT = "word " * 20
_ACTIVATIONS, _GRADIENTS, _OPTIMIZER, _ADAPTERS = "activations", "gradients", "optimizer", "adapters"


@dataclass
class _Listener:
    """Takes what the reporter of a run would be told."""

    notes: list[str] = field(default_factory=list[str])

    def warn(self, sentence: str) -> None:
        self.notes.append(sentence)

    def activity(self, *_: Any) -> None:
        """Nobody waits for it."""


@dataclass(frozen=True)
class _Data:
    """Gives steps the conditions of a batch, as `TrainingSet` does."""

    encoders: FamilyEncoders

    def conditions(self, batch: Batch, _global_step: int, device: torch.device) -> dict[str, Tensor]:
        made = self.encoders.conditions(batch.prompts) if self.encoders.text_identity is None else batch.conditioning
        told = {**made, **self.encoders.picture_conditions(batch)}
        return {name: tensor.to(device) for name, tensor in told.items()}


def estimate(config: TrainConfig, resolve: Callable[[str], Path], device: torch.device | None = None) -> Estimate:
    """Find the most that a training will hold.

    Args:
        config: Of the training; files that it names besides the model are not read.
        resolve: Makes a path of the configuration absolute.
        device: Where it is to train; None is any card.

    Raises:
        OneTrainerWebError: It cannot train like that, or how large the model is, is not known.
    """
    prepared = _without_files(config, resolve)
    blueprints = Blueprints(config.model_type, config.base_model_name)
    device = device or pretended_card()
    with pretending() as memory, made_by(blueprints.make):
        walk = _Walk(prepared, memory, device)
        walk.through(resolve)
    peak = max(phase.bytes for phase in walk.phases)
    is_card = device.type == CARD
    slack = int(SLACK * peak) if is_card else 0
    context = CONTEXT_BYTES if is_card else 0
    return Estimate(
        phases=walk.phases,
        peak_bytes=peak,
        context_bytes=context,
        slack_bytes=slack,
        total_bytes=peak + context + slack,
        main_memory_bytes=walk.main_memory,
        sizes=_origin(blueprints),
        notes=list(dict.fromkeys(walk.listener.notes)),
    )


class _Walk:
    """Goes through a training, one phase after the other."""

    def __init__(self, config: TrainConfig, memory: LiveMemory, device: torch.device) -> None:
        self.phases: list[PhaseEstimate] = []
        self.main_memory = 0
        self.listener = _Listener()
        self._config, self._memory, self._device = config, memory, device

    def through(self, resolve: Callable[[str], Path]) -> None:
        """All of it."""
        listener: Any = self.listener
        loaded = load_model(self._config, resolve, listener, device=self._device)
        model, family = loaded.model, loaded.method.family
        for part, network in model.modules():
            for weight in (*network.parameters(), *network.buffers()):
                self._memory.relabel(weight, part.replace("_", " "))
        if self._config.training_method is not TrainingMethod.FINE_TUNE:
            for weight in _learning(loaded):
                self._memory.relabel(weight, _ADAPTERS)
        trained = Trained.of(loaded.method, loaded.groups, self._config)
        self._note("loading")
        encoders = FamilyEncoders(family, model, self._config, keeps_pixels=loaded.method.learns_pixels)
        batch = self._encode(encoders)
        self._train(loaded, trained, encoders, batch)
        self._sample(loaded)

    def _encode(self, encoders: FamilyEncoders) -> Batch:
        config = self._config
        size, num_frames = _largest_view(config)
        num_pictures = min(BATCH_SIZE, max(1, MAX_BATCH_PIXELS // (size.width * size.height * num_frames)))
        frames = [num_frames] if facts(config.model_type).is_video else []
        pixels = torch.zeros(num_pictures, 3, *frames, size.height, size.width)
        masks = torch.zeros(num_pictures, 1, size.height, size.width)
        with self._memory.labelled(_ACTIVATIONS):
            latents = encoders.encode_images(pixels, range(num_pictures))
            has_hints = facts(config.model_type).has_mask_input or facts(config.model_type).has_depth_input
            hints = encoders.encode_hints(pixels, masks) if has_hints else None
            self._note("encoding pictures")
            conditions: Mapping[str, Tensor] = {}
            if encoders.text_identity is not None:
                conditions = encoders.encode_prompts([_PROMPT] * BATCH_SIZE)
                self._note("encoding prompts")
        num_rows = config.batch_size

        def rows(tensor: Tensor) -> Tensor:
            return tensor[:1].expand(num_rows, *tensor.shape[1:]).contiguous()

        return Batch(
            latents_BCHW=rows(latents),
            conditioning={name: rows(tensor) for name, tensor in conditions.items()},
            masks_B1HW=torch.ones(num_rows, 1, *latents.shape[-2:]) if reads_masks(config) else None,
            hints_BCHW=None if hints is None else rows(hints),
            loss_weights_B=torch.ones(num_rows),
            is_prior_B=torch.tensor([False] * num_rows),
            prompts=(_PROMPT,) * num_rows,
            names=("",) * num_rows,
            concepts=("",) * num_rows,
            original_sizes=(size,) * num_rows,
            crop_offsets=((0, 0),) * num_rows,
            target_size=size,
        )

    def _train(self, loaded: Loaded, trained: Trained, encoders: FamilyEncoders, batch: Batch) -> None:
        memory, data = self._memory, _Data(encoders)
        weights = _learning(loaded)
        hooks = [weight.register_post_accumulate_grad_hook(self._name_gradient) for weight in weights]
        updates, config = trained.updates, self._config.model_copy(update={"gradient_accumulation_steps": 1})
        step = _step(replace(trained, config=config), data)
        step.set_training(True)
        apply = updates.apply

        def labelled_apply(scaler: Any) -> None:
            with memory.labelled(_OPTIMIZER):
                apply(scaler)

        updates.apply = labelled_apply
        # An optimizer makes its memories in its first step; the steps behind it hold the most.
        if updates.is_fused:
            self._take(step, batch)
        else:
            self._give_gradients(weights)
            labelled_apply(torch.amp.GradScaler(self._device.type, enabled=False))
        for held in trained.optimizer.state.values():
            for tensor in held.values():
                if isinstance(tensor, Tensor):
                    memory.relabel(tensor, _OPTIMIZER)
        gc.collect()
        memory.restart()
        if self._config.gradient_accumulation_steps > 1:
            self._give_gradients(weights)
            updates.put_by()
        self._take(step, batch)
        step.set_training(False)
        updates.apply = apply
        for hook in hooks:
            hook.remove()
        self._note("training")

    def _take(self, step: TrainStep, batch: Batch) -> None:
        with self._memory.labelled(_ACTIVATIONS):
            step.take(batch, Progress())

    def _give_gradients(self, weights: Sequence[Parameter]) -> None:
        with self._memory.labelled(_GRADIENTS):
            for weight in weights:
                weight.grad = torch.zeros_like(weight)

    def _name_gradient(self, weight: Tensor) -> None:
        if weight.grad is not None:
            self._memory.relabel(weight.grad, _GRADIENTS)

    def _sample(self, loaded: Loaded) -> None:
        wanted = [
            SampleConfig.model_validate({**sample_defaults(self._config.model_type), **_plain(sample)})
            for sample in self._config.samples or []
            if _plain(sample).get("enabled", True)
        ]
        if not wanted:
            return
        family: Any = loaded.method.family
        settings = max(wanted, key=lambda sample: sample.width * sample.height * sample.frames)
        family.sampler = lambda *_: _OneStep(self._device)
        request = DrawRequest(settings, 0, lambda *_: None)
        try:
            with self._memory.labelled(_ACTIVATIONS):
                draw(family, loaded.model, request)
        finally:
            del family.sampler
        self._note("sampling")

    def _note(self, phase: str) -> None:
        """Write down the peak since the last phase."""
        gc.collect()
        peak = self._memory.peaks.get(self._device.type, Peak())
        held = sorted(peak.parts.items(), key=lambda pair: -pair[1])
        self.phases.append(
            PhaseEstimate(
                phase=phase,
                bytes=peak.size,
                held=[Held(what=label or "others", bytes=size) for label, size in held],
            )
        )
        self.main_memory = max(self.main_memory, self._memory.peaks["cpu"].size)
        self._memory.restart()


@dataclass(frozen=True)
class _OneStep:
    """A sampler that draws in one step; all steps hold the same."""

    device: torch.device

    @property
    def timesteps(self) -> Tensor:
        """The only one."""
        return torch.ones(1, device=self.device)

    def step(self, predicted: Tensor, _timestep: Tensor, latents: Tensor) -> Any:
        """No nearer to the picture."""
        return SimpleNamespace(prev_sample=latents + predicted)


def _learning(loaded: Loaded) -> list[Parameter]:
    return [weight for group in loaded.groups for weight in group.parameters.values()]


def _step(trained: Trained, data: Any) -> TrainStep:
    schedule: Any = torch.optim.lr_scheduler.LambdaLR(trained.optimizer, lambda _: 1.0)
    return TrainStep(trained, schedule, data, Ranks())


def _plain(sample: Any) -> dict[str, Any]:
    return sample if isinstance(sample, dict) else sample.model_dump()


def _largest_view(config: TrainConfig) -> tuple[Size, int]:
    """The largest size that pictures are trained at, and how many frames."""
    multiple = facts(config.model_type).bucket_multiple
    square = Size(1, 1)
    sizes = [
        training_size(square, target, multiple, is_bucketed=False) for target in parse_resolution(config.resolution)
    ]
    clip = ClipLength.of(config)
    return max(sizes, key=lambda size: size.width * size.height), clip.num_frames if clip else 1


def _without_files(config: TrainConfig, resolve: Callable[[str], Path]) -> TrainConfig:
    """The configuration without the files that hold nothing but numbers."""
    try:
        base = locate(config.base_model_name, resolve)
    except ModelNotFoundError:
        base = None
    changes: dict[str, Any] = {"lora_model_name": "", "compile": False, "multi_gpu": False}
    if base is None or isinstance(base, Path) and base.is_file():
        changes["base_model_name"] = "published/sizes"
    for part in ("unet", "prior", "transformer", "vae"):
        settings = getattr(config, part)
        if settings.model_name and resolve(settings.model_name).is_file():
            changes[part] = settings.model_copy(update={"model_name": ""})
    return config.model_copy(update=changes)


def _origin(blueprints: Blueprints) -> str:
    if not blueprints.missing:
        return "The model's own files."
    if not blueprints.found:
        return "The sizes in which the model was published; its files are not on this machine."
    return f"The model's own files, and the published sizes of {', '.join(blueprints.missing)}."
