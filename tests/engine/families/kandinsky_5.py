"""Kandinsky 5, for pictures and for videos."""

from types import SimpleNamespace
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_hunyuan_video import AutoencoderKLHunyuanVideo
from diffusers.models.transformers.transformer_kandinsky import Kandinsky5Transformer3DModel
from diffusers.pipelines.kandinsky5.pipeline_kandinsky import Kandinsky5T2VPipeline
from diffusers.pipelines.kandinsky5.pipeline_kandinsky_t2i import Kandinsky5T2IPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import (
    WIDTH,
    make_autoencoder,
    make_clip_config,
    make_qwen_tokenizer,
    make_tokenizer,
    seeing_settings,
    shorten_template,
)
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLForConditionalGeneration

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.families.kandinsky_5 import VIDEO_TEMPLATE
from onetrainer_web.engine.parts.clip import CLIP_LENGTH


class SmallPipeline(Kandinsky5T2IPipeline):
    """The pipeline for small pictures; its own draws everything with as many pixels as 1024 · 1024."""

    resolutions = property(lambda _self: [(64, 64)], lambda _self, _sizes: None)  # pyright: ignore[reportAssignmentType]

    def __call__(  # pyright: ignore[reportIncompatibleMethodOverride] - only what the tests say
        self, *, generator: torch.Generator, **settings: Any
    ) -> Any:
        """Draw from noise that has the channels in front, as that of other models; pictures have another name here."""
        noise = torch.randn((1, 4, 8, 8), generator=generator).permute(0, 2, 3, 1).unsqueeze(1)
        drawn: Any = super().__call__(latents=noise, generator=generator, **settings)
        return SimpleNamespace(images=drawn.image)


def kandinsky_parts() -> dict[str, Any]:
    """A tiny one, with an autoencoder that divides both sides by 8, as its pipeline wants."""
    words, tokenizer = make_qwen_tokenizer(), make_tokenizer()
    clip = make_clip_config(tokenizer)
    clip.max_position_embeddings = CLIP_LENGTH
    return {
        "transformer": Kandinsky5Transformer3DModel(
            in_visual_dim=4,
            out_visual_dim=4,
            in_text_dim=WIDTH,
            in_text_dim2=WIDTH,
            time_dim=16,
            model_dim=32,
            ff_dim=32,
            num_text_blocks=1,
            num_visual_blocks=2,
            axes_dims=(4, 6, 6),
        ),
        "vae": make_autoencoder(
            block_out_channels=(8, 8, 8, 16),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            shift_factor=0.1,
        ),
        "text_encoder": Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(**seeing_settings(words, fullatt_block_indexes=[0]))
        ),
        "tokenizer": words,
        "text_encoder_2": CLIPTextModel(clip),
        "tokenizer_2": tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=3.0),
    }


class VideoPipeline(Kandinsky5T2VPipeline):
    """The pipeline, given noise that has the channels in front, as that of other models."""

    def prepare_latents(self, *told: Any) -> torch.Tensor:
        """Noise of a video of one frame, with what else the transformer sees."""
        *shape, latents = told
        assert latents is None
        generator = shape[-1]
        noise = torch.randn((1, 4, 1, 8, 8), generator=generator).permute(0, 2, 3, 4, 1)
        shown = super().prepare_latents(*shape, None)
        shown[..., :4] = noise
        return shown


def video_parts() -> dict[str, Any]:
    """A tiny one for videos, with room for a picture to begin with."""
    parts = kandinsky_parts()
    shorten_template(parts["tokenizer"], VIDEO_TEMPLATE, 128)
    settings = seeing_settings(parts["tokenizer"], fullatt_block_indexes=[0])
    return parts | {
        "transformer": Kandinsky5Transformer3DModel.from_config(parts["transformer"].config, visual_cond=True),
        "text_encoder": Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**settings)),
        "vae": AutoencoderKLHunyuanVideo(
            latent_channels=4, block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4
        ),
    }


CASES = [
    Case(ModelType.KANDINSKY_5, kandinsky_parts, SmallPipeline),
    Case(ModelType.KANDINSKY_5_VIDEO, video_parts, VideoPipeline),
]
