"""Settings that this trainer does not obey: refused when they decide what is trained, otherwise named."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from onetrainer_web.config.devices import batches_an_update, why_undivided
from onetrainer_web.config.enums import PACKED_TYPES, ConceptType, DataType, TrainingMethod
from onetrainer_web.config.optimizer_tables import FUSED_BACK_PASS, PARAMETERS
from onetrainer_web.config.output import learning_parts
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.runtime.errors import UnsupportedSettingError
from onetrainer_web.errors import InvalidConfigError

NOT_OBEYED: Mapping[str, str] = MappingProxyType(
    {
        "debug_mode": "no debug files are written",
    }
)
"""Another value than the default changes speed or extras only; a warning names it."""


def check_settings(config: TrainConfig) -> list[str]:
    """What is not obeyed, one sentence each.

    Raises:
        UnsupportedSettingError: Something is asked for that decides what is trained.
    """
    if reason := why_undivided(config):
        raise InvalidConfigError(reason)
    prior = ConceptType.PRIOR_PREDICTION
    has_prior = any(concept.enabled and concept.type is prior for concept in config.concepts or [])
    if has_prior and config.training_method is not TrainingMethod.LORA:
        raise UnsupportedSettingError("concept type", prior.value, [ConceptType.STANDARD.value])
    for part in learning_parts(config):
        dtype = getattr(config, part).weight_dtype
        if dtype in PACKED_TYPES:
            raise UnsupportedSettingError(f"{part}.weight_dtype", dtype.value)
    found = [f"{key} is set, but {instead}." for key, instead in NOT_OBEYED.items() if getattr(config, key)]
    found += [
        f"{part}.offload_fraction is set, but weights that learn stay on the training device."
        for part in learning_parts(config)
        if getattr(config, part).offload_fraction
    ]
    found += _without_fused_steps(config)
    return found


def _without_fused_steps(config: TrainConfig) -> Iterator[str]:
    chosen = config.optimizer
    if not chosen.fused_back_pass or "fused_back_pass" not in PARAMETERS[chosen.optimizer]:
        return
    late = "fused_back_pass is set, but the optimizer steps behind the backward pass, because"
    if chosen.optimizer not in FUSED_BACK_PASS:
        yield f"{late} {chosen.optimizer.value} cannot do otherwise."
    elif batches_an_update(config) > 1:
        yield f"{late} gradients of several batches are added up first."
    elif config.train_dtype is DataType.FLOAT_16:
        yield f"{late} gradients in FLOAT_16 are scaled as a whole."
