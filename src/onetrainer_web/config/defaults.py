"""Our start of a new configuration: a short list of differences from OneTrainer's defaults.

`TrainConfig()` has OneTrainer's own defaults, which a file relies on for what it leaves out. A new configuration, and
one sent to the API in part, starts from here instead. OneTrainer's defaults describe a full fine-tuning in a format
that this method cannot write; a LoRA needs the least memory and time, and its result is a small file. Text encoders are
trained by default, so the format is one that holds them. ComfyUI gets lengths by output of a LoKr wrong.
"""

from functools import cache
from typing import Any

from onetrainer_web.config.enums import ModelType, TrainingMethod
from onetrainer_web.config.families import MODEL_TYPES
from onetrainer_web.config.training import TrainConfig

_LEARNING_RATES = {
    TrainingMethod.LORA: 1e-4,
    TrainingMethod.FINE_TUNE: 1e-5,
    TrainingMethod.FINE_TUNE_VAE: 1e-5,
    TrainingMethod.EMBEDDING: 5e-3,
}


def starting_values(training_method: object = None, model_type: object = None) -> dict[str, Any]:
    """The keys in which a new configuration for this method and model differs from OneTrainer's defaults.

    Unknown or missing choices count as LoRA and Stable Diffusion 1.5; the reader reports unknown ones.
    """
    method = _choice(TrainingMethod, training_method, TrainingMethod.LORA)
    model = _choice(ModelType, model_type, ModelType.STABLE_DIFFUSION_15)
    facts = MODEL_TYPES[model]
    side = min(facts.sample["width"], facts.sample["height"])
    has_text = any(encoder.can_train for encoder in facts.encoders)
    return {
        "training_method": TrainingMethod.LORA.value,
        "learning_rate": _LEARNING_RATES[method],
        "resolution": str(round(side / facts.bucket_multiple) * facts.bucket_multiple),
        "lokr_dora_on_output": False,
        **(
            {"output_model_format": facts.usual_format(method, has_text=has_text).value}
            if method in facts.formats
            else {}
        ),
    }


@cache
def default_config() -> TrainConfig:
    """What a new configuration is before anybody has changed it."""
    return TrainConfig.model_validate(starting_values())


def _choice(kind: type[Any], value: object, fallback: Any) -> Any:
    try:
        return kind(value)
    except ValueError:
        return fallback
