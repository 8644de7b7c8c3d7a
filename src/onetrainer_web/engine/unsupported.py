"""Settings that this trainer does not obey: refused when they decide what is trained, otherwise named."""

from collections.abc import Mapping
from types import MappingProxyType

from onetrainer_web.config.enums import AttentionMechanism, ConceptType, TrainingMethod
from onetrainer_web.config.families import facts
from onetrainer_web.config.obeyed import REFUSED
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.errors import UnsupportedSettingError

_DEFAULTS = TrainConfig()

NOT_OBEYED: Mapping[str, str] = MappingProxyType(
    {
        "multi_gpu": "one device trains",
        "compile": "nothing is compiled",
        "debug_mode": "no debug files are written",
    }
)
"""Another value than the default changes speed or extras only; a warning names it."""


def check_settings(config: TrainConfig) -> list[str]:
    """What is not obeyed, one sentence each.

    Raises:
        UnsupportedSettingError: Something is asked for that decides what is trained.
    """
    for key in sorted(REFUSED):
        if getattr(config, key) != getattr(_DEFAULTS, key):
            raise UnsupportedSettingError(key, getattr(config, key))
    prior = ConceptType.PRIOR_PREDICTION
    has_prior = any(concept.enabled and concept.type is prior for concept in config.concepts or [])
    if has_prior and config.training_method is not TrainingMethod.LORA:
        raise UnsupportedSettingError("concept type", prior.value, [ConceptType.STANDARD.value])
    found = [f"{key} is set, but {instead}." for key, instead in NOT_OBEYED.items() if getattr(config, key)]
    if config.attention_mechanism is not AttentionMechanism.SDP:
        found.append(f"attention_mechanism is {config.attention_mechanism.value}, but torch's own (SDP) is used.")
    for part in facts(config.model_type).parts:
        settings = getattr(config, part)
        if settings.offload_fraction or settings.activation_offloading:
            found.append(f"Offloading is set for the {part}, but everything stays on the training device.")
    if config.optimizer.fused_back_pass:
        found.append("fused_back_pass is set, but the optimizer steps behind the backward pass.")
    return found
