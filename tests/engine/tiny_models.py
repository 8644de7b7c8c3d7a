"""What tiny models with random weights are made of, by the libraries' own classes, and the one most tests train."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_kl_flux2 import AutoencoderKLFlux2
from diffusers.models.autoencoders.autoencoder_kl_qwenimage import AutoencoderKLQwenImage
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from tokenizers import AddedToken
from tokenizers.pre_tokenizers import ByteLevel
from transformers.models.clip.configuration_clip import CLIPTextConfig
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.models.dpt.configuration_dpt import DPTConfig
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil
from transformers.models.dpt.modeling_dpt import DPTForDepthEstimation
from transformers.models.gemma.tokenization_gemma import GemmaTokenizer
from transformers.models.gemma2.configuration_gemma2 import Gemma2Config
from transformers.models.gemma2.modeling_gemma2 import Gemma2Model
from transformers.models.mistral3.configuration_mistral3 import Mistral3Config
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.t5.configuration_t5 import T5Config
from transformers.models.t5.modeling_t5 import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer
from transformers.models.umt5.configuration_umt5 import UMT5Config
from transformers.models.umt5.modeling_umt5 import UMT5EncoderModel

from onetrainer_web.engine.weights.diffusers_folder import write_folder

LENGTH = 24
WIDTH = 16
_AUTOENCODER: dict[str, Any] = {
    "block_out_channels": (8, 16),
    "down_block_types": ("DownEncoderBlock2D", "DownEncoderBlock2D"),
    "up_block_types": ("UpDecoderBlock2D", "UpDecoderBlock2D"),
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "latent_channels": 4,
    "sample_size": 16,
}


def make_tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer over printable characters, without merges."""
    characters = [chr(code) for code in range(33, 127)]
    words = ["<|startoftext|>", "<|endoftext|>", *characters, *(f"{character}</w>" for character in characters)]
    vocabulary = {word: index for index, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=LENGTH)


def make_stable_diffusion(
    folder: Path, prediction: str = "epsilon", *, is_second: bool = False, inpaints: bool = False
) -> Path:
    """A Stable Diffusion of about 150,000 weights in diffusers' layout; every weight away from zero."""
    torch.manual_seed(1)
    parts = stable_diffusion_parts(prediction, is_second=is_second, inpaints=inpaints)
    return write_model(folder, f"StableDiffusion{'Inpaint' if inpaints else ''}Pipeline", parts, inpaints=inpaints)


def stable_diffusion_parts(
    prediction: str = "epsilon", *, is_second: bool = False, inpaints: bool = False, sees_depth: bool = False
) -> dict[str, Any]:
    """The components of a Stable Diffusion."""
    tokenizer = make_tokenizer()
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=2,
        norm_num_groups=8,
        use_linear_projection=is_second,
        in_channels=9 if inpaints else 5 if sees_depth else 4,
    )
    return {
        "unet": unet,
        "vae": make_autoencoder(),
        "text_encoder": CLIPTextModel(make_clip_config(tokenizer)),
        "tokenizer": tokenizer,
        "scheduler": make_diffusion_scheduler(prediction),
        **(depth_parts() if sees_depth else {"safety_checker": None, "feature_extractor": None}),
    }


def depth_parts() -> dict[str, Any]:
    """What guesses depth; of weights so large that the guess depends on the picture."""
    settings: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2}
    settings |= {"intermediate_size": 16, "image_size": 32, "backbone_out_indices": [0, 1, 2, 3]}
    settings |= {"neck_hidden_sizes": [8, 8, 8, 8], "fusion_hidden_size": 8, "is_hybrid": False}
    settings |= {"patch_size": 4, "initializer_range": 0.3}
    return {
        "depth_estimator": DPTForDepthEstimation(DPTConfig(**settings)),
        "feature_extractor": DPTImageProcessorPil(size={"height": 32, "width": 32}),
    }


def write_model(
    folder: Path, pipeline: str, parts: Mapping[str, Any], index: Mapping[str, Any] | None = None, *, inpaints: bool
) -> Path:
    """Write a tiny model in diffusers' layout, every weight of its networks away from zero.

    Args:
        folder: Made.
        pipeline: Name of diffusers' pipeline.
        parts: Components.
        index: What that pipeline is told besides.
        inpaints: Whether it is shown pictures; see `without_spread`.
    """
    for part in parts.values():
        if isinstance(part, torch.nn.Module):
            spread(part.eval())
    if inpaints:
        without_spread(parts["vae"])
    write_folder(folder, pipeline, parts, None, index)
    return folder


def make_t5_tokenizer() -> T5Tokenizer:
    """T5's tokenizer over printable characters."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -10.0), ("▁", -1.0)]
    return T5Tokenizer(vocab=[*pieces, *((chr(code), -2.0) for code in range(33, 127))], extra_ids=0)


def make_t5(tokenizer: T5Tokenizer, width: int = WIDTH) -> T5EncoderModel:
    """T5 of two layers."""
    return T5EncoderModel(
        T5Config(vocab_size=len(tokenizer), d_model=width, d_ff=32, d_kv=8, num_layers=2, num_heads=2)
    )


def make_umt5(tokenizer: T5Tokenizer) -> UMT5EncoderModel:
    """The T5 of many languages, of two layers."""
    return UMT5EncoderModel(
        UMT5Config(vocab_size=len(tokenizer), d_model=WIDTH, d_ff=32, d_kv=8, num_layers=2, num_heads=2)
    )


def make_gemma_tokenizer() -> GemmaTokenizer:
    """Gemma's tokenizer over printable characters, without merges."""
    words = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *(chr(code) for code in range(33, 127))]
    return GemmaTokenizer(vocab={word: index for index, word in enumerate(words)}, merges=[])


def make_gemma(tokenizer: GemmaTokenizer) -> Gemma2Model:
    """Gemma 2 of two layers."""
    return Gemma2Model(Gemma2Config(**language_settings(tokenizer)))


CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}"
    "{% else %}{% for part in message.content %}{{ part.text }}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    "{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}"
)


def make_qwen_tokenizer() -> Qwen2Tokenizer:
    """Qwen's tokenizer over bytes, without merges, with a template for chats like its own."""
    special = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    words = [*special, *sorted(ByteLevel.alphabet())]
    tokenizer = Qwen2Tokenizer(vocab={word: index for index, word in enumerate(words)}, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": list(special)})
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def shorten_template(tokenizer: Any, template: str, length: int) -> None:
    """Give a tokenizer of characters a word that makes what stands in front of a prompt as long as it is in reality."""
    front = template.partition("{}")[0]
    rest = next(cut for cut in range(len(front)) if len(tokenizer(front[cut:]).input_ids) == length - 1)
    tokenizer.add_tokens([AddedToken(front[:rest], normalized=False)])
    assert len(tokenizer(front).input_ids) == length


def language_settings(tokenizer: Any, num_layers: int = 2) -> dict[str, Any]:
    """Settings of a small language model, of whichever kind."""
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": WIDTH,
        "intermediate_size": 32,
        "num_hidden_layers": num_layers,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
    }


def seeing_settings(tokenizer: Qwen2Tokenizer, num_layers: int = 2, **vision: Any) -> dict[str, Any]:
    """Settings of a small Qwen-VL that has the least of eyes."""
    places = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}
    eyes = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": WIDTH}
    return {
        "text_config": {**language_settings(tokenizer, num_layers), "rope_parameters": places},
        "vision_config": {**eyes, **vision},
    }


def make_qwen_autoencoder() -> AutoencoderKLQwenImage:
    """Qwen-Image's autoencoder, for videos, that halves both sides."""
    return AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 2],
        num_res_blocks=1,
        temperal_downsample=[False],
        latents_mean=[0.1, -0.1, 0.2, -0.2],
        latents_std=[0.8, 1.1, 0.9, 1.2],
    )


def make_flux_2_autoencoder(num_levels: int = 2) -> AutoencoderKLFlux2:
    """FLUX.2's autoencoder, that halves both sides between its levels, with statistics of its own for each channel."""
    levels = {
        "block_out_channels": (8,) * (num_levels - 1) + (16,),
        "down_block_types": ("DownEncoderBlock2D",) * num_levels,
        "up_block_types": ("UpDecoderBlock2D",) * num_levels,
    }
    vae = AutoencoderKLFlux2(**{**_AUTOENCODER, **levels})
    statistics: Any = vae.bn
    statistics.running_mean += 0.1 * torch.arange(16)
    statistics.running_var += 0.05 * torch.arange(16)
    return vae


def make_mistral_config(tokenizer: Any, num_layers: int) -> Mistral3Config:
    """A Mistral 3 that has the least of eyes."""
    text = {"model_type": "mistral", **language_settings(tokenizer, num_layers)}
    vision = {
        "model_type": "pixtral",
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "head_dim": 8,
        "image_size": 28,
        "patch_size": 14,
    }
    return Mistral3Config(text_config=text, vision_config=vision)


def make_autoencoder(**changes: Any) -> AutoencoderKL:
    """An autoencoder that halves both sides."""
    return AutoencoderKL(**{**_AUTOENCODER, **changes})


def without_spread(vae: Any) -> None:
    """Leave one possible latent for each picture: diffusers draws what an inpainting model is shown, we do not."""
    channels = vae.config.latent_channels
    with torch.no_grad():
        vae.quant_conv.weight[channels:] = 0
        vae.quant_conv.bias[channels:] = -30


def make_clip_config(tokenizer: CLIPTokenizer) -> CLIPTextConfig:
    """A CLIP text model of two layers."""
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=LENGTH,
        projection_dim=WIDTH,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def make_diffusion_scheduler(prediction: Any) -> DDIMScheduler:
    """The noise levels of Stable Diffusion."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type=prediction,
    )


def make_loud(network: torch.nn.Module, *endings: str) -> None:
    """Let weights with these endings of names count eight times, where a prompt would not show in the picture."""
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if name.endswith(endings):
                weight.mul_(8)


def spread(network: torch.nn.Module) -> None:
    """Give each weight a value that shows when it is mixed up with another one."""
    with torch.no_grad():
        for number, weight in enumerate(network.parameters()):
            if weight.ndim < 2:
                ramp = torch.arange(weight.numel(), dtype=torch.float32).view_as(weight)
                weight.add_(0.02 * torch.sin(ramp + number))
            elif float(weight.abs().max()) < 1 / math.sqrt(weight.numel()):
                weight.normal_(std=0.02)
