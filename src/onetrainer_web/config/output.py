"""What a configuration says about the file that comes out of it."""

from onetrainer_web.config.enums import ModelFormat, PeftType
from onetrainer_web.config.families import facts
from onetrainer_web.config.training import TrainConfig


def is_plain_lora(config: TrainConfig) -> bool:
    """Whether its adapters are of the one kind that can be joined."""
    return config.peft_type is PeftType.LORA and not config.lora_decompose


def has_text(config: TrainConfig) -> bool:
    """Whether text encoders are trained."""
    encoders = facts(config.model_type).encoders
    return any(encoder.can_train and getattr(config, encoder.part).train for encoder in encoders)


def usual_format(config: TrainConfig) -> ModelFormat:
    """The format that programs read best of what it trains."""
    known = facts(config.model_type)
    return known.usual_format(config.training_method, has_text=has_text(config), is_plain_lora=is_plain_lora(config))
