"""How the weights change: all of them behind the backward pass, or each as soon as its gradient is there (fused).

Weights in bfloat16 are computed in float32 and rounded by chance, so that steps below their precision count on average.
"""

import importlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any

import torch
from torch import Tensor
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors  # pyright: ignore
from torch.nn import Parameter

from onetrainer_web.config.optimizer_tables import FUSED_BACK_PASS, LIBRARIES, PARAMETERS
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.optimization.optimizers import clip_gradients
from onetrainer_web.engine.runtime.randomness import derive_seed

_ROUND_THEMSELVES = frozenset({"adv-optm", "prodigy-plus-schedule-free"})
_SHORT = (torch.bfloat16, torch.float16)
_LOST_BITS = 16
"""A bfloat16 is the upper half of a float32."""
_BLOCK_SIZE = 2**21
"""Numbers of bfloat16 that are computed in float32 at once: enough to hide what a call costs, few beside a model."""


def round_by_chance(values: Tensor, generator: torch.Generator) -> Tensor:
    """Float32 as bfloat16, up or down with the probability that makes the expected value exact.

    Gupta et al. 2015, section 3, "stochastic rounding": a random number of the lost bits is added before they are cut.
    """
    # One draw gives the noise of four numbers; half its range on top makes what has a sign a number from zero on.
    draws = torch.empty(values.numel() // 4 + 1, dtype=torch.int64, device=values.device)
    noise = draws.random_(-(2**63), None, generator=generator).view(torch.int16)[: values.numel()].view(values.shape)
    bits = noise.to(torch.int32).add_(1 << (_LOST_BITS - 1)).add_(values.view(torch.int32))
    return bits.bitwise_right_shift_(_LOST_BITS).to(torch.int16).view(torch.bfloat16)


class WeightUpdates:
    """Lets an optimizer change the weights."""

    def __init__(self, optimizer: torch.optim.Optimizer, config: TrainConfig, *, can_fuse: bool) -> None:
        """Prepare.

        Args:
            optimizer: Over all weights that train.
            config: Says how.
            can_fuse: Whether each gradient is whole behind one backward pass, and not scaled.
        """
        chosen = config.optimizer
        self._optimizer: Any = optimizer
        self._max_norm = config.clip_grad_norm
        self._library = LIBRARIES.get(chosen.optimizer)
        has_rounding = "stochastic_rounding" in PARAMETERS[chosen.optimizer]
        self._rounds = has_rounding and chosen.stochastic_rounding and self._library not in _ROUND_THEMSELVES
        self.is_fused = can_fuse and chosen.fused_back_pass and chosen.optimizer in FUSED_BACK_PASS
        self._parameters = [weight for weight, _, _ in self._weights()]
        self._has_rounded = any(map(self._is_rounded, self._parameters))
        self._step = 0
        self._sums: dict[Tensor, Tensor] = {}
        self._changed: dict[int, dict[str, Any]] = {}
        self._hooks = [
            weight.register_post_accumulate_grad_hook(partial(self._take, number, place))
            for number, group in enumerate(optimizer.param_groups)
            for place, weight in enumerate(group["params"])
            if self.is_fused
        ]

    @property
    def weights(self) -> Sequence[Parameter]:
        """All that learn, in the order of the optimizer."""
        return self._parameters

    def begin(self, global_step: int) -> None:
        """Get ready for a step: what it draws depends on its number alone."""
        self._step = global_step
        if self._library == "adv-optm":
            rounding = importlib.import_module("adv_optm.util.param_update")
            for device in {weight.device for weight in self._parameters}:
                rounding.get_generator(device).manual_seed(derive_seed("rounding", global_step))

    def put_by(self) -> None:
        """Behind the backward pass of a batch that others follow: sums of many gradients grow in float32."""
        for weight in self._parameters:
            if weight.grad is not None and weight.dtype in _SHORT:
                self._sums[weight] = weight.grad.float() + self._sums.get(weight, 0.0)
                weight.grad = None

    def gradient(self, weight: Tensor) -> Tensor | None:
        """What has been summed up so far for a weight that learns."""
        found = self._sums.get(weight)
        return weight.grad if found is None else found

    def take_out(self, weight: Tensor) -> Tensor | None:
        """What has been summed up so far for a weight, which is gone here then."""
        held, own = self._sums.pop(weight, None), weight.grad
        weight.grad = None
        if own is None:
            return held
        return own if held is None else own.float() + held

    def take_up(self, weight: Tensor, gradient: Tensor) -> None:
        """Go on from a sum that `gradient` gave."""
        if weight.dtype in _SHORT:
            self._sums[weight] = gradient.float()
        else:
            weight.grad = gradient

    def scale(self, factor: float) -> None:
        """Multiply what has been summed up so far; a sum that is whole is left as it is."""
        if factor == 1:
            return
        for weight in self._parameters:
            for held in (weight.grad, self._sums.get(weight)):
                if held is not None:
                    held.mul_(factor)

    def apply(self, scaler: torch.amp.GradScaler) -> None:
        """Behind the backward pass: clip and step, or finish what the fused steps began; gradients are gone then."""
        if self._sums:
            self.put_by()
            for weight, gradient in self._sums.items():
                weight.grad = gradient.to(weight.dtype)
            self._sums.clear()
        if self.is_fused:
            self._commit()
            if hasattr(self._optimizer, "step_parameter"):
                self._optimizer.step()  # without gradients: what concerns all weights together
        else:
            scaler.unscale_(self._optimizer)
            clip_gradients(self._parameters, self._max_norm)
            self._step_all(scaler)
            scaler.update()
        self._optimizer.zero_grad(set_to_none=True)

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up the state of a backup as it was kept; torch and libraries cast it to the type of the weights.

        The learning rates stay those of the configuration: where a schedule stands, it says itself.
        """
        rates = [group["lr"] for group in self._optimizer.param_groups]
        self._optimizer.load_state_dict(state)
        for group, rate in zip(self._optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
            group.pop("initial_lr", None)
        keys = [key for group in state["param_groups"] for key in group["params"]]
        for key, (weight, _, _) in zip(keys, self._weights(), strict=True):
            for name, kept in state["state"].get(key, {}).items():
                if isinstance(kept, Tensor) and kept.is_floating_point():
                    self._optimizer.state[weight][name] = kept.to(weight.device)
        # Prodigy of adv_optm 2.5 forgets to damp the sum that it takes up, unless it has made a step.
        if self._library == "adv-optm" and hasattr(self._optimizer, "calculate_d"):
            self._optimizer.d_denom = torch.zeros((), device=self._parameters[0].device)
            self._optimizer.init_step()

    def _step_all(self, scaler: torch.amp.GradScaler) -> None:
        if not self._has_rounded:
            scaler.step(self._optimizer)
            return
        for weights, number, place in self._blocks():
            self._step_some(weights, number, place)
        self._commit()

    def _take(self, number: int, place: int, weight: Tensor) -> None:
        """Called when the gradient of a weight is there."""
        clip_gradients([weight], self._max_norm)  # pyright: ignore[reportArgumentType]
        if hasattr(self._optimizer, "step_parameter"):
            self._optimizer.step_parameter(weight, self._optimizer.param_groups[number], place)
        else:
            self._step_some([weight], number, place)
        weight.grad = None

    @torch.no_grad()
    def _step_some(self, weights: Sequence[Any], number: int, place: int) -> None:
        """A step of some weights alone; what it changes in the settings of their group counts from the next step on.

        Args:
            weights: Of one group, and rounded all or none.
            number: Of the group.
            place: Of the first weight there.
        """
        optimizer = self._optimizer
        groups = optimizer.param_groups
        alone = {**groups[number], "params": list(weights)}
        with self._in_float32(weights, number, place):
            optimizer.param_groups = [alone]
            try:
                optimizer.step()
            finally:
                optimizer.param_groups = groups
        self._changed[number] = {name: value for name, value in alone.items() if name != "params"}

    def _commit(self) -> None:
        for number, settings in self._changed.items():
            self._optimizer.param_groups[number].update(settings)
        self._changed.clear()

    @contextmanager
    def _in_float32(self, weights: Sequence[Any], number: int, place: int) -> Iterator[None]:
        """Compute the step of bfloat16 weights in float32; they and their memories are rounded behind it."""
        if not self._is_rounded(weights[0]):
            yield
            return
        owns = [weight.data for weight in weights]
        gradients = _in_float32([weight.grad for weight in weights])
        for weight, values, gradient in zip(weights, _in_float32(owns), gradients, strict=True):
            weight.grad = None
            weight.data, weight.grad = values, gradient
        for places in self._memories(weights, owns):
            held = _in_float32([self._optimizer.state[weight][name] for weight, name in places])
            self._remember(places, held)
        yield
        generator = torch.Generator(owns[0].device).manual_seed(derive_seed("rounding", self._step, number, place))
        rounded = list(_rounded([weight.data for weight in weights], generator))
        torch._foreach_copy_(owns, rounded)  # pyright: ignore[reportPrivateImportUsage]
        for weight, own in zip(weights, owns, strict=True):
            weight.grad = None
            weight.data = own
        for places in self._memories(weights, owns):
            held = _rounded([self._optimizer.state[weight][name] for weight, name in places], generator)
            self._remember(places, held)

    def _memories(self, weights: Sequence[Any], owns: Sequence[Tensor]) -> Collection[list[tuple[Any, str]]]:
        """Where the optimizer remembers a number for each of a weight, which takes much memory: kind by kind."""
        found: dict[str, list[tuple[Any, str]]] = {}
        for weight, own in zip(weights, owns, strict=True):
            for name, memory in self._optimizer.state[weight].items():
                if isinstance(memory, Tensor) and memory.is_floating_point() and memory.shape == own.shape:
                    found.setdefault(name, []).append((weight, name))
        return found.values()

    def _remember(self, places: Sequence[tuple[Any, str]], memories: Sequence[Tensor]) -> None:
        for (weight, name), memory in zip(places, memories, strict=True):
            self._optimizer.state[weight][name] = memory

    def _blocks(self) -> Iterator[tuple[list[Parameter], int, int]]:
        """The weights with a gradient in runs that are rounded all or none; number of the group, and first place."""
        for number, group in enumerate(self._optimizer.param_groups):
            learning = [(place, weight) for place, weight in enumerate(group["params"]) if weight.grad is not None]
            ends = accumulate(weight.numel() for _, weight in learning)
            kinds = [
                (self._is_rounded(weight), end // _BLOCK_SIZE) for (_, weight), end in zip(learning, ends, strict=True)
            ]
            for _, block in groupby(zip(kinds, learning, strict=True), key=itemgetter(0)):
                places, weights = zip(*(one for _, one in block), strict=True)
                yield list(weights), number, places[0]

    def _is_rounded(self, weight: Tensor) -> bool:
        return self._rounds and weight.dtype is torch.bfloat16

    def _weights(self) -> Iterator[tuple[Parameter, int, int]]:
        """Every weight, the number of its group, and its place there."""
        for number, group in enumerate(self._optimizer.param_groups):
            for place, weight in enumerate(group["params"]):
                yield weight, number, place


def _in_float32(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    """Copies in float32, parts of one tensor: a few calls, however many there are."""
    return _unflatten_dense_tensors(_flatten_dense_tensors(tensors).float(), tensors)


def _rounded(tensors: Sequence[Tensor], generator: torch.Generator) -> Sequence[Tensor]:
    """Copies in bfloat16, parts of one tensor."""
    return _unflatten_dense_tensors(round_by_chance(_flatten_dense_tensors(tensors), generator), tensors)
