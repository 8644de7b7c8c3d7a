"""What a configuration says about what learns and in what is computed, and about the file that comes out of it."""

from onetrainer_web.config.enums import DataType, ModelFormat, PeftType, TrainingMethod
from onetrainer_web.config.families import facts
from onetrainer_web.config.readers import AdapterKind
from onetrainer_web.config.settings.options import label_of_value
from onetrainer_web.config.training import TrainConfig


def kind_of(config: TrainConfig) -> AdapterKind:
    """What its adapters are."""
    if config.peft_type is PeftType.LORA:
        return AdapterKind.DORA if config.lora_decompose else AdapterKind.LORA
    return {PeftType.LOHA: AdapterKind.LOHA, PeftType.LOKR: AdapterKind.LOKR, PeftType.OFT_2: AdapterKind.OFT}[
        config.peft_type
    ]


def trained_parts(config: TrainConfig) -> list[str]:
    """The parts of the model that a LoRA or a fine-tuning trains."""
    known = facts(config.model_type)
    able = [known.denoiser, *(encoder.part for encoder in known.encoders if encoder.can_train)]
    return [part for part in able if getattr(config, part).train]


def learning_parts(config: TrainConfig) -> list[str]:
    """The parts whose own weights learn; beneath an adapter they stay as they are."""
    if config.training_method is TrainingMethod.FINE_TUNE_VAE:
        return ["vae"]
    return trained_parts(config) if config.training_method is TrainingMethod.FINE_TUNE else []


def computed_type(config: TrainConfig, part: str) -> DataType:
    """In which type a part computes: what goes beyond float16 in the one that is set for it.

    That is float32 only where its weights are, too: autocast knows types of 16 bits alone.
    """
    if config.train_dtype is not DataType.FLOAT_16 or part not in facts(config.model_type).beyond_float16:
        return config.train_dtype
    is_short = getattr(config, part).weight_dtype is not DataType.FLOAT_32
    is_long = config.fallback_train_dtype not in (DataType.FLOAT_16, DataType.BFLOAT_16)
    return DataType.BFLOAT_16 if is_long and is_short else config.fallback_train_dtype


def mixed_on_cpu(config: TrainConfig) -> str | None:
    """Why a CPU computes in float32 whatever is set, one sentence; None where it need not.

    torch has no operators there for weights of one type of 16 bits in a forward pass of the other.
    """
    short = {DataType.FLOAT_16, DataType.BFLOAT_16}
    for part in facts(config.model_type).parts:
        weights, computed = getattr(config, part).weight_dtype, computed_type(config, part)
        if weights != computed and {weights, computed} <= short:
            named = f"{label_of_value(weights)} weights in {label_of_value(computed)}"
            return f"A CPU does not compute with {named}; this run computes in float32."
    return None


def has_text(config: TrainConfig) -> bool:
    """Whether text encoders are trained."""
    return any(part != facts(config.model_type).denoiser for part in trained_parts(config))


def written_format(config: TrainConfig) -> ModelFormat:
    """The format of the result: SAFETENSORS, and for whole models its legacy form, stand for the usual single file."""
    chosen, method = config.output_model_format, config.training_method
    if method is TrainingMethod.LORA:
        return usual_format(config) if chosen is ModelFormat.SAFETENSORS else chosen
    formats = facts(config.model_type).formats.get(method, ())
    single = next((known for known in formats if known is not ModelFormat.DIFFUSERS), chosen)
    return single if chosen in (ModelFormat.SAFETENSORS, ModelFormat.LEGACY_SAFETENSORS) else chosen


def usual_format(config: TrainConfig) -> ModelFormat:
    """The format that programs read best of what it trains."""
    known = facts(config.model_type)
    return known.usual_format(config.training_method, has_text=has_text(config), kind=kind_of(config))
