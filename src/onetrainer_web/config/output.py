"""What a configuration says about the file that comes out of it."""

from onetrainer_web.config.enums import ModelFormat, PeftType
from onetrainer_web.config.families import facts
from onetrainer_web.config.readers import AdapterKind
from onetrainer_web.config.training import TrainConfig


def kind_of(config: TrainConfig) -> AdapterKind:
    """What its adapters are."""
    if config.peft_type is PeftType.LORA:
        return AdapterKind.DORA if config.lora_decompose else AdapterKind.LORA
    return {PeftType.LOHA: AdapterKind.LOHA, PeftType.LOKR: AdapterKind.LOKR, PeftType.OFT_2: AdapterKind.OFT}[
        config.peft_type
    ]


def has_text(config: TrainConfig) -> bool:
    """Whether text encoders are trained."""
    encoders = facts(config.model_type).encoders
    return any(encoder.can_train and getattr(config, encoder.part).train for encoder in encoders)


def usual_format(config: TrainConfig) -> ModelFormat:
    """The format that programs read best of what it trains."""
    known = facts(config.model_type)
    return known.usual_format(config.training_method, has_text=has_text(config), kind=kind_of(config))
