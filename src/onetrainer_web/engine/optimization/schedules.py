"""How the learning rate changes over a run: OneTrainer's schedules as plain functions of the optimizer step."""

import ast
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, ReduceLROnPlateau

from onetrainer_web.config.devices import batches_an_update
from onetrainer_web.config.enums import LearningRateScheduler
from onetrainer_web.config.optimizer_tables import SCHEDULE_FREE
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.runtime.errors import ScheduleSettingsError, UnsupportedSettingError

REX_DECAY = 0.9

Curve = Callable[[float, float], float]
"""Factor of the learning rate at a share of the run (0 to 1), given the number of cycles."""


def _constant(_share: float, _cycles: float) -> float:
    return 1.0


def _linear(share: float, _cycles: float) -> float:
    return 1 - share


def _cosine(share: float, _cycles: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * share))


def _cosine_with_restarts(share: float, cycles: float) -> float:
    return 0.5 * (1 + math.cos(2 * math.pi * share * cycles))


def _cosine_with_hard_restarts(share: float, cycles: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * ((share * cycles) % 1)))


def _rex(share: float, _cycles: float) -> float:
    """Reflected exponential, Chen, Wolfe and Kyrillidis 2021, "REX: Revisiting Budgeted Training"."""
    return (1 - share) / ((1 - REX_DECAY) + REX_DECAY * (1 - share))


CURVES: Mapping[LearningRateScheduler, Curve] = MappingProxyType(
    {
        LearningRateScheduler.CONSTANT: _constant,
        LearningRateScheduler.LINEAR: _linear,
        LearningRateScheduler.COSINE: _cosine,
        LearningRateScheduler.COSINE_WITH_RESTARTS: _cosine_with_restarts,
        LearningRateScheduler.COSINE_WITH_HARD_RESTARTS: _cosine_with_hard_restarts,
        LearningRateScheduler.REX: _rex,
    }
)


@dataclass(frozen=True)
class SchedulePlan:
    """Lengths of a schedule in optimizer steps."""

    total: int
    """Optimizer steps of the run."""
    warmup: int
    """Of these, steps in which the rate rises from 0."""


def plan_schedule(config: TrainConfig, num_updates: int) -> SchedulePlan:
    """Lengths for a run of some optimizer steps; a warm-up above 1 counts batches, else it is a share of the run."""
    warmup = config.learning_rate_warmup_steps
    in_updates = warmup / batches_an_update(config) if warmup > 1 else warmup * num_updates
    return SchedulePlan(total=num_updates, warmup=int(in_updates))


def learning_rate_factor(config: TrainConfig, plan: SchedulePlan, step: int) -> float:
    """What the learning rate is multiplied by in optimizer step `step`, counted from 0.

    Unlike in OneTrainer, no curve goes on past its end: the rate stays where the run ended.
    """
    if step < plan.warmup:
        return step / plan.warmup
    share = min(1.0, (step - plan.warmup) / max(1, plan.total - plan.warmup))
    factor = CURVES[config.learning_rate_scheduler](share, config.learning_rate_cycles)
    return config.learning_rate_min_factor + (1 - config.learning_rate_min_factor) * factor


def create_scheduler(
    optimizer: torch.optim.Optimizer, config: TrainConfig, plan: SchedulePlan, num_updates: int = 0
) -> LRScheduler:
    """The scheduler object that sets the learning rates of `optimizer`; call `step()` behind each optimizer step.

    Schedule-free optimizers keep a constant rate without warm-up, whatever the configuration says.

    Args:
        optimizer: With the learning rates that the schedule begins with.
        config: Names the schedule.
        plan: How long it is.
        num_updates: Optimizer steps that lie behind. Only this number is taken over from a backup: a schedule that
            was put away would bring its old length along.

    Raises:
        UnsupportedSettingError: The schedule is not one of ours and no class of torch.
        ScheduleSettingsError: The class of torch refuses its parameters.
    """
    scheduler = _create(optimizer, config, plan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch expects a step of the optimizer in front of each
        for _ in range(num_updates):
            scheduler.step()
    return scheduler


def try_schedule(config: TrainConfig, plan: SchedulePlan) -> None:
    """Find out whether there is such a schedule and, of torch's, whether it goes on to the end of the run.

    Raises:
        UnsupportedSettingError: As `create_scheduler`.
        ScheduleSettingsError: As `create_scheduler`, or it breaks off.
    """
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    try:
        create_scheduler(optimizer, config, plan, plan.total if _is_custom(config) else 0)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ScheduleSettingsError(config.custom_learning_rate_scheduler or "", error) from error


def _is_custom(config: TrainConfig) -> bool:
    is_chosen = config.learning_rate_scheduler is LearningRateScheduler.CUSTOM
    return is_chosen and config.optimizer.optimizer not in SCHEDULE_FREE


def _create(optimizer: torch.optim.Optimizer, config: TrainConfig, plan: SchedulePlan) -> LRScheduler:
    chosen = config.learning_rate_scheduler
    if config.optimizer.optimizer in SCHEDULE_FREE:
        return LambdaLR(optimizer, lambda _step: 1.0)
    if chosen in CURVES:
        return LambdaLR(optimizer, lambda step: learning_rate_factor(config, plan, step))
    if chosen is LearningRateScheduler.CUSTOM:
        return _create_custom(optimizer, config, plan)
    raise UnsupportedSettingError("learning_rate_scheduler", chosen.value, [known.value for known in CURVES])


def _create_custom(optimizer: torch.optim.Optimizer, config: TrainConfig, plan: SchedulePlan) -> LRScheduler:
    """A scheduler of torch by name. Others are refused: a configuration must not be able to run foreign code."""
    name = config.custom_learning_rate_scheduler or ""
    module, _, class_name = name.rpartition(".")
    found: Any = getattr(torch.optim.lr_scheduler, class_name, None) if module == "torch.optim.lr_scheduler" else None
    is_usable = isinstance(found, type) and issubclass(found, LRScheduler) and not issubclass(found, ReduceLROnPlateau)
    if not is_usable:
        raise UnsupportedSettingError("custom_learning_rate_scheduler", name, ["a class of torch.optim.lr_scheduler"])
    values = {
        "%LR%": config.learning_rate,
        "%EPOCHS%": config.epochs,
        "%TOTAL_STEPS%": plan.total,
        "%SCHEDULER_STEPS%": plan.total - plan.warmup,
        "%STEPS_PER_EPOCH%": plan.total // config.epochs,
    }
    pairs = [pair for pair in config.scheduler_params or [] if pair.get("key")]
    try:
        custom = found(optimizer, **{pair["key"]: _literal(values, pair["value"]) for pair in pairs})
    except (ArithmeticError, AttributeError, LookupError, NotImplementedError, SyntaxError, TypeError, ValueError) as e:
        raise ScheduleSettingsError(name, e) from e
    if not plan.warmup:
        return custom
    warm = LambdaLR(optimizer, lambda step: step / plan.warmup)
    return torch.optim.lr_scheduler.SequentialLR(optimizer, [warm, custom], milestones=[plan.warmup])


def _literal(values: Mapping[str, float], text: str) -> Any:
    return values[text] if text in values else ast.literal_eval(text)
