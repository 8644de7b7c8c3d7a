"""Settings of one part of a model, and of its quantization."""

from onetrainer_web.config.base import ConfigModel, Count, NonNegative, PositiveCount, Rate, Share
from onetrainer_web.config.enums import DataType, TimeUnit


class TrainModelPartConfig(ConfigModel):
    """How one part (UNet, transformer, text encoder, VAE …) is loaded and trained."""

    model_name: str = ""
    include: bool = True
    train: bool = True
    stop_training_after: Count | None = None
    stop_training_after_unit: TimeUnit = TimeUnit.NEVER
    learning_rate: Rate | None = None
    weight_dtype: DataType = DataType.FLOAT_32
    dropout_probability: Share = 0.0
    train_embedding: bool = True
    attention_mask: bool = False
    guidance_scale: NonNegative = 1.0
    gradient_checkpointing: bool = True
    offload_fraction: Share = 0.0
    activation_offloading: bool = False


class QuantizationConfig(ConfigModel):
    """Which layers are stored in fewer bits, and how."""

    layer_filter: str = ""
    layer_filter_preset: str = "full"
    layer_filter_regex: bool = False
    svd_dtype: DataType = DataType.NONE
    svd_rank: PositiveCount = 16
    cache_dir: str | None = None
