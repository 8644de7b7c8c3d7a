"""What is special about Würstchen and Stable Cascade, against values from elsewhere."""

import math
from pathlib import Path

import pytest
import torch
from diffusers.models.unets.unet_stable_cascade import StableCascadeUNet
from diffusers.schedulers.scheduling_ddpm_wuerstchen import DDPMWuerstchenScheduler
from safetensors.torch import save_file
from tests.engine.families.wuerstchen import FEW_STAGES, cascade_parts, make_picture_encoder

from onetrainer_web.config.adapter_keys import DOWN, UP
from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.families.wuerstchen.efficient_net import EfficientNetEncoder, encode_pictures, load_encoder
from onetrainer_web.engine.runtime.errors import ModelNotFoundError, UnsupportedSettingError, WrongWeightsError
from onetrainer_web.engine.seams.interfaces import Model, SaveTarget
from onetrainer_web.engine.seams.objectives import DiffusionObjective
from onetrainer_web.engine.seams.precision import Precision
from onetrainer_web.engine.weights.adapter import Adapter
from onetrainer_web.engine.weights.adapters import read_adapters, to_format

CPU = torch.device("cpu")


def objective(**settings: object) -> DiffusionObjective:
    """Of Stable Cascade."""
    found = family_of(ModelType.STABLE_CASCADE_1).objective(
        {"scheduler": DDPMWuerstchenScheduler()}, TrainConfig.model_validate(settings), CPU
    )
    assert isinstance(found, DiffusionObjective)
    return found


def test_the_picture_encoder_is_the_published_network() -> None:
    encoder = EfficientNetEncoder()
    # torchvision's efficientnet_v2_s has 21,458,488 parameters, of which its classifier has 1280 * 1000 + 1000.
    assert sum(weight.numel() for weight in encoder.backbone.parameters()) == 21_458_488 - 1_281_000
    shapes = {name: tuple(weight.shape) for name, weight in encoder.state_dict().items()}
    assert shapes["backbone.0.0.weight"] == (24, 3, 3, 3)
    assert shapes["backbone.2.0.block.1.0.weight"] == (48, 96, 1, 1)
    assert shapes["backbone.4.0.block.2.fc1.weight"] == (16, 256, 1, 1)
    assert shapes["backbone.6.14.block.3.1.running_var"] == (256,)
    assert shapes["backbone.7.0.weight"] == (1280, 256, 1, 1)


def test_pictures_become_latents_of_three_128ths_of_their_sides() -> None:
    encoder = make_picture_encoder(c_cond=32, stages=FEW_STAGES)
    pixels = torch.rand(1, 3, 128, 256) * 2 - 1
    cascade = encode_pictures(encoder, pixels)
    assert cascade.shape == (1, 16, 3, 6)
    encoder.register_to_config(latent_mean=42.0, latent_std=1.0)
    # diffusers' WuerstchenPriorPipeline takes latents times 42, minus 1, for what the encoder gave.
    torch.testing.assert_close(encode_pictures(encoder, pixels) * 42 - 1, cascade)


def test_a_file_that_is_no_picture_encoder_is_refused(tmp_path: Path) -> None:
    save_file({"backbone.0.0.weight": torch.zeros(24, 3, 3, 3)}, tmp_path / "half.safetensors")
    with pytest.raises(WrongWeightsError, match="picture encoder"):
        load_encoder(tmp_path / "half.safetensors", torch.float32, is_offline=True)
    with pytest.raises(ModelNotFoundError):
        load_encoder(tmp_path, torch.float32, is_offline=True)


def test_noise_follows_the_cosine_schedule() -> None:
    # Nichol and Dhariwal 2021, eq. 17, with s = 0.008.
    f = [math.cos((step / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2 for step in range(1001)]
    wanted = torch.tensor([min(max(value / f[0], 1e-4), 0.9999) for value in f[1:]])
    torch.testing.assert_close(objective().alphas_cumprod, wanted, atol=1e-6, rtol=1e-4)


def test_what_the_model_cannot_learn_is_refused() -> None:
    with pytest.raises(UnsupportedSettingError, match="force_v_prediction"):
        objective(force_v_prediction=True)


def test_a_sample_needs_the_decoder() -> None:
    family = family_of(ModelType.STABLE_CASCADE_1)
    model = Model({}, Precision(CPU, torch.float32), objective(), "a model")
    with pytest.raises(ModelNotFoundError, match="decoder.model_name"):
        family.finish(model, torch.zeros(1, 16, 3, 3), SampleConfig(), torch.Generator())


LAYERS = {
    "prior.down_blocks.0.2.attention.to_k": 16,
    "prior.down_blocks.0.2.attention.to_out.0": 16,
    "prior.down_blocks.0.0.channelwise.0": 16,
    "text_encoder.text_model.encoder.layers.0.mlp.fc1": 8,
}
"""Of the tiny model, with their number of inputs."""
KEYS = {
    # ComfyUI's comfy/lora.py and comfy/ldm/cascade/common.py; kohya's library/stable_cascade.py has the same layers.
    "KOHYA_LORA": [
        "lora_unet_down_blocks_0_2_attention_attn_to_k.lora_down.weight",
        "lora_unet_down_blocks_0_2_attention_attn_out_proj.lora_down.weight",
        "lora_unet_down_blocks_0_0_channelwise_0.lora_down.weight",
        "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight",
    ],
    "COMFY_LORA": [
        "diffusion_model.down_blocks.0.2.attention.attn.to_k.lora_A.weight",
        "diffusion_model.down_blocks.0.2.attention.attn.out_proj.lora_A.weight",
        "diffusion_model.down_blocks.0.0.channelwise.0.lora_A.weight",
        "text_encoders.clip_g.transformer.text_model.encoder.layers.0.mlp.fc1.lora_A.weight",
    ],
    # What OneTrainer writes, which ComfyUI reads too.
    "LEGACY_LORA": [
        "lora_prior_unet_down_blocks_0_2_attention_attn_to_k.lora_down.weight",
        "lora_prior_unet_down_blocks_0_2_attention_attn_out_proj.lora_down.weight",
        "lora_prior_unet_down_blocks_0_0_channelwise_0.lora_down.weight",
        "lora_prior_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight",
    ],
    # What OneTrainer writes, and nothing else reads.
    "ORIGINAL_LORA": [
        "down_blocks.0.2.attention.attn.in_proj.1.lora_A.weight",
        "down_blocks.0.2.attention.attn.out_proj.lora_A.weight",
        "down_blocks.0.0.channelwise.0.lora_A.weight",
    ],
}


def cascade() -> Model:
    """A tiny one."""
    return Model(cascade_parts(), Precision(CPU, torch.float32), objective(), "a model")


@pytest.mark.parametrize("model_format", KEYS)
def test_adapter_files_of_cascade_have_the_names_that_other_programs_know(model_format: str, tmp_path: Path) -> None:
    model, family, file = cascade(), family_of(ModelType.STABLE_CASCADE_1), tmp_path / "lora.safetensors"
    adapters = {
        name: Adapter({DOWN: torch.randn(2, width), UP: torch.randn(8, 2)}, 1) for name, width in LAYERS.items()
    }
    tensors = to_format(adapters, ModelFormat(model_format), family, model, None)
    assert sorted(key for key in tensors if "down.weight" in key or "lora_A" in key) == sorted(KEYS[model_format])
    save_file(tensors, file)
    modules = {part: [key.partition(".")[2] for key in LAYERS if key.startswith(f"{part}.")] for part in family.parts}
    for key, found in read_adapters(file, modules, family, model).items():
        assert torch.equal(found.weights[DOWN], adapters[key].weights[DOWN])


@pytest.mark.parametrize("prefix", ["lora_unet_", "diffusion_model."])
def test_the_numbered_names_of_onetrainer_are_read_behind_any_prefix(prefix: str, tmp_path: Path) -> None:
    down, up = torch.randn(2, 16), torch.randn(16, 2)
    key = prefix + "down_blocks.0.2.attention.attn.in_proj.1".replace(".", "_" if prefix.endswith("_") else ".")
    save_file({f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up}, tmp_path / "lora.safetensors")
    modules = {"prior": ["down_blocks.0.2.attention.to_k"]}
    found = read_adapters(tmp_path / "lora.safetensors", modules, family_of(ModelType.STABLE_CASCADE_1), cascade())
    assert torch.equal(found["prior.down_blocks.0.2.attention.to_k"].weights[DOWN], down)


def test_diffusers_reads_the_single_file_of_a_prior(tmp_path: Path) -> None:
    parts = cascade_parts()
    model = Model(parts, Precision(CPU, torch.float32), objective(), "a model")
    target = SaveTarget(tmp_path / "prior.safetensors", ModelFormat.LEGACY_SAFETENSORS, None, {})
    family_of(ModelType.STABLE_CASCADE_1).save(model, target)
    parts["prior"].save_config(tmp_path / "config")
    read = StableCascadeUNet.from_single_file(str(target.path), config=str(tmp_path / "config"), local_files_only=True)
    ours = parts["prior"].state_dict()
    assert all(torch.equal(weight, ours[name]) for name, weight in read.state_dict().items())
