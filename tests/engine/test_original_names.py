"""Names in the code of the makers, against diffusers' own converters, on models of the published width."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import init_empty_weights
from diffusers.loaders import lora_pipeline, single_file_utils
from safetensors.torch import save_file
from torch import Tensor, nn

from onetrainer_web.config.adapter_keys import DOWN, UP
from onetrainer_web.config.enums import ModelFormat, ModelType, TrainingMethod
from onetrainer_web.config.families import facts
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.seams.interfaces import Family, Model
from onetrainer_web.engine.seams.objectives import Objective
from onetrainer_web.engine.seams.places import from_places, naming_by, to_places
from onetrainer_web.engine.seams.precision import Precision
from onetrainer_web.engine.weights.adapter import Adapter
from onetrainer_web.engine.weights.adapters import read_adapters, to_format
from onetrainer_web.engine.weights.joining import find_seats

pytestmark = pytest.mark.slow

RANK = 3
DIFFUSERS, KOHYA, ORIGINAL, COMFY = (
    ModelFormat(f"{name}_LORA") for name in ("DIFFUSERS", "KOHYA", "ORIGINAL", "COMFY")
)


@dataclass(frozen=True)
class Published:
    """A denoiser of the published width, as short as it can be."""

    settings: Mapping[str, Any]
    converter: str | None
    """diffusers' function that reads the original names of a whole denoiser."""
    loader: str | None
    """diffusers' class that reads adapters."""
    read: tuple[ModelFormat, ...]
    """Key styles that it reads."""
    unread: tuple[str, ...] = ()
    """What it does not read, or reads wrongly, by parts of names."""
    stumbles_over_strength: bool = True
    """Whether it may not be told the strength, which is 1 here."""


ONE = {"num_layers": 1, "num_single_layers": 1}
PUBLISHED = {
    ModelType.FLUX_DEV_1: Published(
        {**ONE, "guidance_embeds": True},
        "convert_flux_transformer_checkpoint_to_diffusers",
        "FluxLoraLoaderMixin",
        (KOHYA,),
        (".norm", "embed", "transformer.proj_out"),
    ),
    ModelType.CHROMA_1: Published(
        ONE,
        "convert_chroma_transformer_checkpoint_to_diffusers",
        "FluxLoraLoaderMixin",
        (KOHYA,),
        ("embed", "distilled_guidance", "transformer.proj_out"),
    ),
    ModelType.FLUX_2: Published(
        ONE,
        "convert_flux2_transformer_checkpoint_to_diffusers",
        "Flux2LoraLoaderMixin",
        (KOHYA, COMFY),
        ("norm_out", "modulation", "guidance_embedder"),
    ),
    ModelType.HUNYUAN_VIDEO: Published(
        {**ONE, "num_refiner_layers": 1},
        "convert_hunyuan_video_transformer_to_diffusers",
        "HunyuanVideoLoraLoaderMixin",
        (COMFY,),
        ("norm_out", "refiner_blocks.0.attn", "time_text_embed"),
    ),
    ModelType.HI_DREAM_FULL: Published(
        {**ONE, "patch_size": 2, "num_routed_experts": 2, "caption_channels": [64, 64], "llama_layers": [0]},
        "convert_hidream_transformer_to_diffusers",
        "HiDreamImageLoraLoaderMixin",
        (COMFY,),
    ),
    ModelType.QWEN: Published({"num_layers": 1}, None, "QwenImageLoraLoaderMixin", (KOHYA, COMFY)),
    ModelType.Z_IMAGE: Published(
        {"n_layers": 1, "n_refiner_layers": 1},
        "convert_z_image_transformer_checkpoint_to_diffusers",
        "ZImageLoraLoaderMixin",
        (COMFY,),
    ),
    ModelType.KREA_2: Published(
        {"num_layers": 1},
        "convert_krea2_transformer_checkpoint_to_diffusers",
        "Krea2LoraLoaderMixin",
        (COMFY,),
    ),
    ModelType.IDEOGRAM_4: Published(
        {"num_layers": 1},
        None,
        "Ideogram4LoraLoaderMixin",
        (COMFY,),
        ("adaln_proj", "final_layer", "input_proj", "llm_cond_proj", "t_embedding"),
    ),
    ModelType.ANIMA: Published(
        {"num_layers": 1, "num_attention_heads": 16, "extra_pos_embed_type": None},
        "convert_cosmos_transformer_checkpoint_to_diffusers",
        "AnimaLoraLoaderMixin",
        (COMFY,),
    ),
    ModelType.ERNIE: Published(
        {"num_layers": 1},
        "convert_ernie_image_transformer_checkpoint_to_diffusers",
        "ErnieImageLoraLoaderMixin",
        (COMFY,),
    ),
    ModelType.STABLE_DIFFUSION_35: Published(
        {"num_layers": 2, "dual_attention_layers": (0,), "qk_norm": "rms_norm"},
        "convert_sd3_transformer_checkpoint_to_diffusers",
        None,
        (),
    ),
    ModelType.WAN_21: Published(
        {"num_layers": 1},
        "convert_wan_transformer_to_diffusers",
        "WanLoraLoaderMixin",
        (KOHYA, COMFY),
        ("condition_embedder", "transformer.proj_out"),
        stumbles_over_strength=False,
    ),
    ModelType.LTX_VIDEO: Published(
        {"num_layers": 1},
        "convert_ltx_transformer_checkpoint_to_diffusers",
        "LTXVideoLoraLoaderMixin",
        (COMFY,),
        ("proj_in", "time_embed"),
    ),
    ModelType.LUMINA_2: Published(
        {"num_layers": 1, "num_refiner_layers": 1},
        "convert_lumina2_to_diffusers",
        "Lumina2LoraLoaderMixin",
        (COMFY,),
        ("time_caption_embed", "x_embedder", "norm_out"),
    ),
    ModelType.AURA_FLOW: Published(
        {"num_mmdit_layers": 1, "num_single_dit_layers": 1},
        "convert_auraflow_transformer_checkpoint_to_diffusers",
        None,
        (),
    ),
    ModelType.OVIS_IMAGE: Published(ONE, None, None, ()),
    ModelType.SANA: Published({"num_layers": 1}, None, "SanaLoraLoaderMixin", ()),
    ModelType.PIXART_ALPHA: Published({"num_layers": 1, "sample_size": 128, "caption_channels": 4096}, None, None, ()),
}
READABLE = [(name, form) for name, published in PUBLISHED.items() for form in published.read]


@cache
def model_of(model_type: ModelType) -> Model:
    """The denoiser, which is all that names need."""
    family: Any = family_of(model_type)
    module = import_module(type(family).__module__)
    kinds = [kind for name, kind in vars(module).items() if "Transformer" in name and isinstance(kind, type)]
    (kind,) = (kind for kind in kinds if issubclass(kind, nn.Module))
    with init_empty_weights():
        network = kind(**PUBLISHED[model_type].settings)
    precision: Any = Precision
    objective: Any = Objective
    return Model({"transformer": network}, precision, objective, "published")


def random_adapters(model: Model, unwanted: tuple[str, ...] = ()) -> dict[str, Adapter]:
    """A LoRA of every linear layer but those whose names have something in them."""
    torch.manual_seed(3)
    return {
        f"transformer.{name}": Adapter(
            {DOWN: torch.randn(RANK, layer.in_features), UP: 0.2 * torch.randn(layer.out_features, RANK)}, RANK
        )
        for name, layer in model.module("transformer").named_modules()
        if isinstance(layer, nn.Linear) and not any(part in f"transformer.{name}" for part in unwanted)
    }


@pytest.mark.parametrize("model_format", [KOHYA, ORIGINAL, COMFY])
@pytest.mark.parametrize("model_type", PUBLISHED)
def test_what_goes_into_a_file_comes_back(model_type: ModelType, model_format: ModelFormat, tmp_path: Path) -> None:
    model, family = model_of(model_type), family_of(model_type)
    adapters = random_adapters(model)
    save_file(to_format(adapters, model_format, family, model, None), tmp_path / "lora.safetensors")
    modules = {"transformer": [key.removeprefix("transformer.") for key in adapters]}
    found = read_adapters(tmp_path / "lora.safetensors", modules, family, model)
    assert found.keys() == adapters.keys()
    for key, adapter in adapters.items():
        assert found[key].scale == pytest.approx(adapter.scale)
        assert torch.equal(found[key].weights[DOWN], adapter.weights[DOWN])
        assert torch.equal(found[key].weights[UP], adapter.weights[UP])


@pytest.mark.parametrize(("model_type", "model_format"), READABLE)
def test_diffusers_reads_the_same_change(model_type: ModelType, model_format: ModelFormat) -> None:
    published, model, family = PUBLISHED[model_type], model_of(model_type), family_of(model_type)
    adapters = random_adapters(model, published.unread)
    loader = getattr(lora_pipeline, str(published.loader))

    def read(form: ModelFormat) -> dict[str, Tensor]:
        tensors = to_format(adapters, form, family, model, None)
        kept = {key for key in tensors if not (published.stumbles_over_strength and key.endswith(".alpha"))}
        return loader.lora_state_dict({key: tensors[key] for key in kept})

    plain, theirs = read(DIFFUSERS), read(model_format)
    assert plain.keys() == theirs.keys()
    for name in (name for name in plain if name.endswith("lora_A.weight")):
        other = name.replace("lora_A", "lora_B")
        inputs = torch.randn(plain[name].shape[1], 2)  # the whole change would be gigabytes
        assert torch.allclose(
            plain[other] @ (plain[name] @ inputs), theirs[other] @ (theirs[name] @ inputs), atol=1e-3
        ), name


CONVERTED = [name for name, published in PUBLISHED.items() if published.converter]


@pytest.mark.parametrize("model_type", CONVERTED)
def test_diffusers_knows_every_name_of_a_denoiser_in_one_file(model_type: ModelType) -> None:
    own = model_of(model_type).module("transformer").state_dict()
    convert = getattr(single_file_utils, str(PUBLISHED[model_type].converter))
    found = convert(to_places(own, naming_of(family_of(model_type), model_of(model_type))))
    assert {name: weight.shape for name, weight in found.items()} == {name: w.shape for name, w in own.items()}


def naming_of(family: Family, model: Model) -> Callable[[str], Any]:
    """The places of the denoiser's weights; of Z-Image, in ComfyUI's files."""
    table = getattr(family, "comfy_places", {})
    return naming_by(table) if table else lambda name: family.original_place(family.denoiser, name, model)


@pytest.mark.parametrize("model_type", PUBLISHED)
def test_every_weight_has_its_place_and_comes_back(model_type: ModelType) -> None:
    model, naming = model_of(model_type), naming_of(family_of(model_type), model_of(model_type))
    shapes = {name: weight.shape for name, weight in model.module("transformer").state_dict().items()}
    found = from_places(shapes, to_places(model.module("transformer").state_dict(), naming), naming)
    assert {name: weight.shape for name, weight in found.items()} == shapes


def test_pixart_has_the_names_that_its_makers_convert() -> None:
    # PixArt-alpha/tools/convert_pixart_alpha_to_diffusers.py, for one block; diffusers itself has no converter.
    layers = [f"{name}.mlp.{number}" for name in ("t_embedder", "csize_embedder", "ar_embedder") for number in (0, 2)]
    layers += ["x_embedder.proj", "t_block.1", "y_embedder.y_proj.fc1", "y_embedder.y_proj.fc2", "final_layer.linear"]
    layers += [f"blocks.0.{name}" for name in ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")]
    layers += [f"blocks.0.cross_attn.{name}" for name in ("q_linear", "kv_linear", "proj")]
    expected = {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}
    expected |= {"final_layer.scale_shift_table", "blocks.0.scale_shift_table"}
    model = model_of(ModelType.PIXART_ALPHA)
    own = model.module("transformer").state_dict()
    assert to_places(own, naming_of(family_of(ModelType.PIXART_ALPHA), model)).keys() == expected


@pytest.mark.parametrize("model_type", PUBLISHED)
def test_the_catalogue_says_which_formats_join_layers(model_type: ModelType) -> None:
    seats = find_seats(family_of(model_type), model_of(model_type), ["transformer"])
    joins = any(len(bench) > 1 for bench in seats.values())
    styles = {KOHYA, ORIGINAL, COMFY} & set(facts(model_type).formats[TrainingMethod.LORA])
    assert facts(model_type).joined_formats == (styles if joins else set())
