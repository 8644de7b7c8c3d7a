"""One picture that is drawn from the model during or after training."""

from onetrainer_web.config.base import ConfigModel, Count, NonNegative, PositiveCount, Whole
from onetrainer_web.config.enums import NoiseScheduler


class SampleConfig(ConfigModel):
    """Prompt, size and settings of one sample."""

    enabled: bool = True
    prompt: str = ""
    negative_prompt: str = ""
    height: PositiveCount = 512
    width: PositiveCount = 512
    frames: PositiveCount = 1
    length: NonNegative = 10.0
    seed: Whole = 42
    random_seed: bool = False
    diffusion_steps: PositiveCount = 30
    cfg_scale: NonNegative = 7.0
    noise_scheduler: NoiseScheduler = NoiseScheduler.DDIM
    text_encoder_1_layer_skip: Count = 0
    text_encoder_1_sequence_length: PositiveCount | None = None
    text_encoder_2_layer_skip: Count = 0
    text_encoder_2_sequence_length: PositiveCount | None = None
    text_encoder_3_layer_skip: Count = 0
    text_encoder_4_layer_skip: Count = 0
    transformer_attention_mask: bool = False
    force_last_timestep: bool = False
    sample_inpainting: bool = False
    base_image_path: str = ""
    mask_image_path: str = ""
