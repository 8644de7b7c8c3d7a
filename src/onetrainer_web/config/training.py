"""The training configuration: every key of OneTrainer's file with its type, limits and default."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from pydantic import Field, model_validator
from pydantic.fields import FieldInfo

from onetrainer_web.config.base import ConfigModel, Count, NonNegative, Number, PositiveCount, Rate, Share, Whole
from onetrainer_web.config.cloud import CloudConfig
from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.embeddings import TrainEmbeddingConfig
from onetrainer_web.config.enums import (
    AttentionMechanism,
    AudioFormat,
    ConfigPart,
    DataType,
    EMAMode,
    GradientReducePrecision,
    ImageFormat,
    LearningRateScaler,
    LearningRateScheduler,
    LossScaler,
    LossWeight,
    ModelFormat,
    ModelType,
    PeftType,
    TimestepDistribution,
    TimeUnit,
    TrainingMethod,
    VideoFormat,
)
from onetrainer_web.config.families import sample_defaults
from onetrainer_web.config.optimizers import TrainOptimizerConfig
from onetrainer_web.config.parts import QuantizationConfig, TrainModelPartConfig
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.secrets import SecretsConfig

EMBEDDED_MODEL_NAME = "tiny"
"""The `base_model_name` that means the model that comes with the program."""

EMBEDDING_UUID = "00000000-0000-4000-8000-000000000000"
"""Identity of the one embedding of the method EMBEDDING; fixed, so that equal configurations compare equal."""

OWN_KEYS = frozenset(
    {
        *("keep_best", "early_stopping_patience", "describe_output", "keep_effective_batch"),
        "reference_dropout_probability",
    }
)
"""Keys that OneTrainer does not have and passes over; see docs/decisions/0004-settings-of-our-own.md."""

_TEXT_ENCODER = TrainModelPartConfig(stop_training_after=30, stop_training_after_unit=TimeUnit.EPOCH)


class TrainConfig(ConfigModel):
    """One complete description of a training run, with OneTrainer's defaults."""

    version: ClassVar[int] = 11

    # What is trained
    training_method: TrainingMethod = TrainingMethod.FINE_TUNE
    model_type: ModelType = ModelType.STABLE_DIFFUSION_15

    # General
    debug_mode: bool = False
    debug_dir: str = "debug"
    workspace_dir: str = "workspace/run"
    cache_dir: str = "workspace-cache/run"
    huggingface_cache_dir: str = ""
    offline_mode: bool = False
    tensorboard: bool = True
    tensorboard_expose: bool = False
    tensorboard_always_on: bool = False
    tensorboard_port: int = Field(default=6006, ge=1, le=65535)
    validation: bool = False
    validate_after: Count = 1
    validate_after_unit: TimeUnit = TimeUnit.EPOCH
    keep_best: bool = False
    early_stopping_patience: Count = 0
    continue_last_backup: bool = False
    prevent_overwrites: bool = False
    include_train_config: ConfigPart = ConfigPart.NONE
    multi_gpu: bool = False
    device_indexes: str = ""
    keep_effective_batch: bool = False
    gradient_reduce_precision: GradientReducePrecision = GradientReducePrecision.FLOAT_32_STOCHASTIC
    fused_gradient_reduce: bool = True
    async_gradient_reduce: bool = True
    async_gradient_reduce_buffer: Count = 100

    # Model
    base_model_name: str = "stable-diffusion-v1-5/stable-diffusion-v1-5"
    output_dtype: DataType = DataType.FLOAT_32
    output_model_format: ModelFormat = ModelFormat.SAFETENSORS
    describe_output: bool = True
    output_model_destination: str = "models/model.safetensors"
    async_offloading: bool = True
    force_circular_padding: bool = False
    compile: bool = False

    # Data
    concept_file_name: str = "training_concepts/concepts.json"
    concepts: list[ConceptConfig] | None = None
    aspect_ratio_bucketing: bool = True
    latent_caching: bool = True
    clear_cache_before_training: bool = True

    # Training
    learning_rate_scheduler: LearningRateScheduler = LearningRateScheduler.CONSTANT
    custom_learning_rate_scheduler: str | None = None
    scheduler_params: list[dict[str, str]] | None = Field(default_factory=list[dict[str, str]])
    learning_rate: Rate = 3e-06
    learning_rate_warmup_steps: NonNegative = 200.0
    learning_rate_cycles: NonNegative = 1.0
    learning_rate_min_factor: Share = 0.0
    epochs: PositiveCount = 100
    batch_size: PositiveCount = 1
    gradient_accumulation_steps: PositiveCount = 1
    ema: EMAMode = EMAMode.OFF
    ema_decay: Share = 0.999
    ema_update_step_interval: PositiveCount = 5

    # Machine
    dataloader_threads: PositiveCount = 2
    train_device: str = "cuda"
    temp_device: str = "cpu"
    train_dtype: DataType = DataType.FLOAT_16
    fallback_train_dtype: DataType = DataType.BFLOAT_16
    enable_autocast_cache: bool = True
    only_cache: bool = False
    resolution: str = "512"
    frames: str = "25"
    attention_mechanism: AttentionMechanism = AttentionMechanism.SDP

    # Loss
    mse_strength: NonNegative = 1.0
    mae_strength: NonNegative = 0.0
    log_cosh_strength: NonNegative = 0.0
    huber_strength: NonNegative = 0.0
    huber_delta: NonNegative = 1.0
    vb_loss_strength: NonNegative = 1.0
    loss_weight_fn: LossWeight = LossWeight.CONSTANT
    loss_weight_strength: NonNegative = 5.0
    dropout_probability: Share = 0.0
    loss_scaler: LossScaler = LossScaler.NONE
    learning_rate_scaler: LearningRateScaler = LearningRateScaler.NONE
    clip_grad_norm: NonNegative | None = 1.0

    # Noise
    offset_noise_weight: NonNegative = 0.0
    generalized_offset_noise: bool = False
    perturbation_noise_weight: NonNegative = 0.0
    rescale_noise_scheduler_to_zero_terminal_snr: bool = False
    force_v_prediction: bool = False
    force_epsilon_prediction: bool = False
    min_noising_strength: Share = 0.0
    max_noising_strength: Share = 1.0
    timestep_distribution: TimestepDistribution = TimestepDistribution.UNIFORM
    noising_weight: Number = 0.0
    noising_bias: Number = 0.0
    timestep_shift: NonNegative = 1.0
    dynamic_timestep_shifting: bool = False

    # Parts of the model
    unet: TrainModelPartConfig = TrainModelPartConfig(stop_training_after=0)
    prior: TrainModelPartConfig = TrainModelPartConfig(stop_training_after=0)
    transformer: TrainModelPartConfig = TrainModelPartConfig(stop_training_after=0)
    unconditional_transformer: TrainModelPartConfig = TrainModelPartConfig(train=False, gradient_checkpointing=False)
    quantization: QuantizationConfig = QuantizationConfig()
    text_encoder: TrainModelPartConfig = _TEXT_ENCODER
    text_encoder_layer_skip: Count = 0
    text_encoder_sequence_length: PositiveCount | None = 512
    text_encoder_2: TrainModelPartConfig = _TEXT_ENCODER
    text_encoder_2_layer_skip: Count = 0
    text_encoder_2_sequence_length: PositiveCount | None = 77
    text_encoder_3: TrainModelPartConfig = _TEXT_ENCODER
    text_encoder_3_layer_skip: Count = 0
    text_encoder_4: TrainModelPartConfig = _TEXT_ENCODER
    text_encoder_4_layer_skip: Count = 0
    vae: TrainModelPartConfig = TrainModelPartConfig()
    effnet_encoder: TrainModelPartConfig = TrainModelPartConfig()
    decoder: TrainModelPartConfig = TrainModelPartConfig()
    decoder_text_encoder: TrainModelPartConfig = TrainModelPartConfig()
    decoder_vqgan: TrainModelPartConfig = TrainModelPartConfig()

    # Masks
    masked_training: bool = False
    unmasked_probability: Share = 0.1
    unmasked_weight: Share = 0.1
    normalize_masked_area_loss: bool = False
    masked_prior_preservation_weight: Share = 0.0
    custom_conditioning_image: bool = False
    reference_dropout_probability: Share = 0.0

    # Layers
    layer_filter: str = ""
    layer_filter_preset: str = "full"
    layer_filter_regex: bool = False

    # Embeddings
    embedding_learning_rate: Rate | None = None
    preserve_embedding_norm: bool = False
    embedding: TrainEmbeddingConfig = TrainEmbeddingConfig(uuid=EMBEDDING_UUID)
    additional_embeddings: list[TrainEmbeddingConfig] = Field(default_factory=list[TrainEmbeddingConfig])
    embedding_weight_dtype: DataType = DataType.FLOAT_32

    # Cloud
    cloud: CloudConfig = CloudConfig()

    # Adapters
    peft_type: PeftType = PeftType.LORA
    lora_model_name: str = ""
    lora_rank: PositiveCount = 16
    lora_alpha: NonNegative = 1.0
    lora_decompose: bool = False
    lora_decompose_norm_epsilon: bool = True
    lora_decompose_output_axis: bool = False
    lora_weight_dtype: DataType = DataType.FLOAT_32
    bundle_additional_embeddings: bool = True
    oft_block_size: PositiveCount = 32
    oft_block_share: bool = False
    oft_scaled: bool = False
    lokr_dim: PositiveCount = 16
    lokr_decompose_both: bool = False
    lokr_decompose_factor: Whole = -1
    lokr_use_tucker: bool = False
    lokr_weight_decompose: bool = False
    lokr_dora_on_output: bool = True
    lokr_full_matrix: bool = False
    lokr_vec_trick: bool = True

    # Optimizer
    optimizer: TrainOptimizerConfig = TrainOptimizerConfig()
    optimizer_defaults: dict[str, TrainOptimizerConfig] = Field(default_factory=dict[str, TrainOptimizerConfig])

    # Samples
    sample_definition_file_name: str = "training_samples/samples.json"
    samples: list[SampleConfig] | None = None
    sample_after: Count = 10
    sample_after_unit: TimeUnit = TimeUnit.MINUTE
    sample_skip_first: Count = 0
    sample_image_format: ImageFormat = ImageFormat.JPG
    sample_video_format: VideoFormat = VideoFormat.MP4
    sample_audio_format: AudioFormat = AudioFormat.MP3
    samples_to_tensorboard: bool = True
    non_ema_sampling: bool = True

    # Backups and saves
    backup_after: Count = 30
    backup_after_unit: TimeUnit = TimeUnit.MINUTE
    rolling_backup: bool = False
    rolling_backup_count: PositiveCount = 3
    backup_before_save: bool = True
    save_every: Count = 0
    save_every_unit: TimeUnit = TimeUnit.NEVER
    save_skip_first: Count = 0
    save_filename_prefix: str = ""

    # Secrets: kept out of every file but secrets.json
    secrets: SecretsConfig = SecretsConfig()

    @model_validator(mode="before")
    @classmethod
    def _complete_nested(cls, values: Any) -> Any:
        """Lay partial objects over the defaults of their key: `unet`'s defaults are not those of `vae`."""
        if not isinstance(values, Mapping):
            return values
        given = cast("Mapping[str, Any]", values)
        completed = {name: _complete(cls.model_fields.get(name), value) for name, value in given.items()}
        if isinstance(samples := given.get("samples"), list):
            defaults = sample_defaults(given.get("model_type", cls.model_fields["model_type"].default))
            completed["samples"] = [_lay_over(defaults, sample) for sample in cast("list[Any]", samples)]
        return completed


def _complete(field: FieldInfo | None, value: Any) -> Any:
    default = field.default if field else None
    return _lay_over(dict(default), value) if isinstance(default, ConfigModel) else value


def _lay_over(defaults: Mapping[str, Any], value: Any) -> Any:
    return {**defaults, **cast("Mapping[str, Any]", value)} if isinstance(value, Mapping) else value
