"""What is told of files, by their headers alone: made here of the names that the trainer and other programs write."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from onetrainer_web.cli.main import app
from onetrainer_web.config.adapter_keys import flat
from onetrainer_web.config.destinations import FileKind
from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.config.layer_names import AdapterNames, adapter_names, denoiser_names
from onetrainer_web.errors import InvalidRequestError
from onetrainer_web.model_files.describe import ModelFileNotFoundError, describe
from onetrainer_web.model_files.views import ModelInfo
from onetrainer_web.tiny.paths import tiny_model_folder

KOHYA_FACTORS = (ModelFormat.KOHYA_LORA, ModelFormat.LEGACY_LORA)
SDXL, SD15 = ModelType.STABLE_DIFFUSION_XL_10_BASE, ModelType.STABLE_DIFFUSION_15
Shapes = Mapping[str, Sequence[int]]


def write(path: Path, shapes: Shapes, metadata: Mapping[str, str] | None = None, cut: int = 0) -> Path:
    """A file of tensors whose numbers have a byte each."""
    entries: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name, shape in shapes.items():
        start = end
        for length in (1, *shape):
            end = start + (end - start or 1) * length
        entries[name] = {"dtype": "U8", "shape": list(shape), "data_offsets": [start, end]}
    header = json.dumps(entries).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(end - cut))
    return path


def lora(layers: Iterator[str] | Sequence[str], down: str = "lora_A.weight", up: str = "lora_B.weight") -> Shapes:
    """A LoRA of rank 2 on layers of one width."""
    return {f"{layer}.{name}": shape for layer in layers for name, shape in ((down, (2, 3)), (up, (3, 2)))}


def numbered(patterns: Sequence[str] | frozenset[str]) -> list[str]:
    return [name.replace("#", "1") for name in sorted(patterns)]


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., ModelInfo]:
    """What is told of a file of some tensors."""
    return lambda shapes, *others: describe(write(tmp_path / "some.safetensors", shapes, *others), checks_hash=True)


def test_an_adapter_in_every_format_of_every_model_is_told(told: Callable[..., ModelInfo]) -> None:
    for row in adapter_names():
        for model_format, names in row.formats.items():
            factors = ("lora_down.weight", "lora_up.weight") if model_format in KOHYA_FACTORS else ()
            info = told(lora(numbered(names), *factors))
            what = (row.model_types[0], model_format)
            assert (info.kind, info.ranks, info.unknown, info.problems) == (FileKind.ADAPTER, [2], "", []), what
            assert {*row.model_types} <= {*info.model_types}, what
            # Of some models, formats have the same names.
            assert info.model_format is not None, what
            assert row.formats[info.model_format] >= names, what
            assert info.uses, what


def denoiser_layers(row: AdapterNames) -> tuple[str, list[str]]:
    """The denoiser's key and its layers, as diffusers calls them."""
    part = next(part for part in ("unet", "prior", "transformer") if any_starts(row, f"{part}."))
    names = row.formats[ModelFormat.DIFFUSERS_LORA]
    return part, numbered([name.removeprefix(f"{part}.") for name in names if name.startswith(f"{part}.")])


def any_starts(row: AdapterNames, start: str) -> bool:
    return any(name.startswith(start) for name in row.formats[ModelFormat.DIFFUSERS_LORA])


def foreign(row: AdapterNames) -> dict[str, Shapes]:
    """The same layers as other programs name them."""
    part, layers = denoiser_layers(row)
    kohya = numbered([name for name in row.formats.get(ModelFormat.KOHYA_LORA, ()) if "_te" not in name])
    original = numbered(row.formats.get(ModelFormat.ORIGINAL_LORA, frozenset()))
    factors = ("lora_down.weight", "lora_up.weight")
    linear = ("lora_linear_layer.down.weight", "lora_linear_layer.up.weight")
    found = {
        "peft's default": lora([f"{part}.{name}" for name in layers], "lora_A.default.weight", "lora_B.default.weight"),
        "peft": lora([f"base_model.model.{name}" for name in layers]),
        "peft around a pipeline": lora([f"base_model.model.{part}.{name}" for name in layers]),
        "bare": lora(layers),
        "ai-toolkit": lora([f"diffusion_model.{name}" for name in layers]),
        "lycoris": lora([f"lycoris_{flat(name)}" for name in layers], *factors),
        "flat": lora([f"lora_{part}_{flat(name)}" for name in layers], *factors),
        "older diffusers": lora([f"{part}.{name}" for name in layers], "lora.down.weight", "lora.up.weight"),
        "linear layers": lora([f"{part}.{name}" for name in layers], *linear),
        "checkpoint": lora([f"model.diffusion_model.{name}" for name in original]),
        "two underscores": lora([name.replace("lora_unet_", "lora_unet__", 1) for name in kohya], *factors),
        "without up": {f"{name}.lora_down.weight": (2, 3) for name in kohya},
        "LoHa": lora(kohya, "hada_w1_b", "hada_w1_a"),
        "LoKr": lora(kohya, "lokr_w1", "lokr_w2_b"),
        "OFT": {f"{name}.oft_R.weight": (2, 3) for name in kohya},
        "processors": {
            re.sub(r"\.to_q\.lora_A", ".processor.to_q_lora.down", name): shape
            for name, shape in lora([f"{part}.{name}" for name in layers]).items()
        },
    }
    return {style: shapes for style, shapes in found.items() if shapes}


def test_the_key_styles_of_other_programs_are_told(told: Callable[..., ModelInfo]) -> None:
    for row in adapter_names():
        for style, shapes in foreign(row).items():
            info = told(shapes)
            what = (row.model_types[0], style)
            assert (info.kind, info.unknown, info.problems) == (FileKind.ADAPTER, "", []), what
            assert {*row.model_types} <= {*info.model_types}, what


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model.", "diffusion_model."])
def test_a_denoiser_in_every_naming_is_told(told: Callable[..., ModelInfo], prefix: str) -> None:
    for row in denoiser_names():
        info = told({f"{prefix}{name}.weight": (2, 3) for name in numbered(row.layers)})
        what = (row.model_types[0], row.naming)
        assert (info.kind, info.unknown, info.problems) == (FileKind.DENOISER, "", []), what
        assert {*row.model_types} <= {*info.model_types}, what


@pytest.mark.parametrize(
    ("name", "inputs", "expected"),
    [
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k", 768, "Stable Diffusion 1.5"),
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k", 1024, "Stable Diffusion 2"),
        ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k", 2048, "Stable Diffusion XL"),
        ("unet.conv_in", 9, "inpainting"),
        ("lora_unet_img_in", 384, "FLUX.1 Fill"),
    ],
)
def test_models_whose_layers_have_the_same_names_are_told_by_their_widths(
    told: Callable[..., ModelInfo], name: str, inputs: int, expected: str
) -> None:
    info = told({f"{name}.lora_down.weight": (4, inputs), f"{name}.lora_up.weight": (8, 4)})
    assert info.models
    assert all(expected in model for model in info.models.split(" or ")), info.models


def test_what_a_file_says_of_itself_counts(told: Callable[..., ModelInfo]) -> None:
    kohya = lora(["lora_unet_down_blocks_0_attentions_0_proj_in"], "lora_down.weight", "lora_up.weight")
    config = {"ot_config": json.dumps({"model_type": SDXL.value})}
    metadata = {
        "modelspec.title": "Cat",
        "modelspec.trigger_phrase": "ohwx cat",
        "ss_tag_frequency": json.dumps({"a": {"cat ": 3, "sofa": 5}}),
        "ss_sd_model_name": "base",
    }
    info = told(kohya, {**config, **metadata})
    assert (info.model_types, info.is_told) == ([SDXL], True)
    assert (info.given_title, info.trigger_words, info.tags, info.base_model) == (
        "Cat",
        "ohwx cat",
        ["sofa", "cat"],
        "base",
    )
    assert {use.program: use.prompt for use in info.uses}["Forge, A1111"] == "<lora:some:1> ohwx cat"
    (problem,) = told(kohya, {"modelspec.architecture": "flux-1-dev/lora"}).problems
    assert problem.startswith("Its metadata names FLUX.1 dev")


def test_who_reads_a_file_is_told_with_what_they_do_wrong(told: Callable[..., ModelInfo]) -> None:
    row = next(row for row in adapter_names() if ModelType.Z_IMAGE in row.model_types)
    kohya = numbered(row.formats[ModelFormat.KOHYA_LORA])
    info = told(lora(kohya, "lora_down.weight", "lora_up.weight"))
    faults = {use.program: use.fault for use in info.uses}
    assert (faults["ComfyUI"], faults["InvokeAI"]) == ("drops the attention layers", "does not read it")
    oft = told({f"{name}.oft_R.weight": (2, 3) for name in kohya})
    assert {use.fault for use in oft.uses if not use.is_code} == {"does not read it"}


@pytest.mark.parametrize(
    ("model_type", "expected"),
    [
        (SD15, 'gen_img.py --network_module networks.lora --network_weights "some.safetensors"'),
        (SDXL, 'gen_img.py --sdxl --network_module networks.lora --network_weights "some.safetensors"'),
        (ModelType.FLUX_DEV_1, 'flux_minimal_inference.py --lora_weights "some.safetensors;1"'),
        (ModelType.LUMINA_2, 'lumina_minimal_inference.py --lora_weights "some.safetensors;1"'),
    ],
)
def test_sd_scripts_have_a_program_for_each_model(
    told: Callable[..., ModelInfo], model_type: ModelType, expected: str
) -> None:
    row = next(row for row in adapter_names() if model_type in row.model_types)
    info = told(lora(numbered(row.formats[ModelFormat.KOHYA_LORA]), "lora_down.weight", "lora_up.weight"))
    assert {use.program: use.place for use in info.uses}["sd-scripts"] == expected


def test_the_parts_of_a_whole_model_are_told(told: Callable[..., ModelInfo]) -> None:
    row = next(row for row in denoiser_names() if SD15 in row.model_types and row.naming == "original")
    shapes = {f"model.diffusion_model.{name}.weight": (2, 3) for name in numbered(row.layers)}
    shapes |= {"first_stage_model.decoder.conv_in.weight": (2, 3, 1, 1), "model_ema.decay": (), "strange.weight": (2,)}
    shapes |= {"cond_stage_model.transformer.text_model.encoder.layers.0.self_attn.q_proj.weight": (2, 2)}
    shapes |= {"cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (9, 768), "v_pred": (0,)}
    info = told(shapes)
    assert info.kind is FileKind.MODEL
    assert [part.name for part in info.parts] == ["denoiser", "autoencoder", "text encoder (CLIP, width 768)"]
    assert (info.prediction, info.unknown) == ("v_pred", "1 tensors (1 of strange.weight)")
    assert [use.place for use in info.uses[:2]] == ["models/checkpoints", "Models/Stable-Diffusion"]


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ({"emb_params": (3, 768)}, {SD15}),
        ({"emp_params": (3, 1024)}, {ModelType.STABLE_DIFFUSION_21}),
        ({"clip_l": (3, 768), "clip_g": (3, 1280)}, {SDXL}),
        ({"clip_l": (3, 768), "t5": (3, 4096)}, {ModelType.FLUX_DEV_1}),
        ({"clip_l": (3, 768), "clip_g": (3, 1280), "t5xxl": (3, 4096)}, {ModelType.STABLE_DIFFUSION_35}),
        ({"<cat>": (768,)}, {SD15}),
        ({"text_encoders_0": (2, 768), "text_encoders_1": (2, 1280)}, {SDXL}),
    ],
)
def test_an_embedding_is_told(told: Callable[..., ModelInfo], shapes: Shapes, expected: set[ModelType]) -> None:
    info = told(shapes)
    assert info.kind is FileKind.EMBEDDING
    assert expected <= {*info.model_types}
    assert {use.program: use.prompt for use in info.uses}["ComfyUI"] == "embedding:some"


def test_what_is_wrong_is_told(tmp_path: Path, told: Callable[..., ModelInfo]) -> None:
    shapes = lora(["diffusion_model.double_blocks.0.img_attn.proj"])
    (cut,) = told(shapes, {}, 5).problems
    assert re.fullmatch(r"some.safetensors is cut off: 5 of \d+ bytes are missing\.", cut)
    assert told(shapes, {"modelspec.hash_sha256": f"0x{hashlib.sha256(bytes(12)).hexdigest()}"}).problems == []
    (changed,) = told(shapes, {"modelspec.hash_sha256": "0x00"}).problems
    assert "changed or damaged" in changed
    assert told({**shapes, "what.ever": (1,), "what.2.ever": (1,)}).unknown == (
        "2 tensors (1 of what.ever, 1 of what.#.ever)"
    )
    assert told({"what.ever": (2, 2)}).kind is FileKind.UNKNOWN
    pickle = tmp_path / "old.ckpt"
    pickle.write_bytes(b"PK\x03\x04 and more")
    assert describe(pickle).kind is FileKind.PICKLE
    pickle.write_bytes(bytes([255] * 20))
    assert "longer than any header" in describe(pickle).problems[0]
    with pytest.raises(ModelFileNotFoundError):
        describe(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidRequestError, match=r"holds no \.safetensors file"):
        describe(tmp_path / "empty")


def test_the_command_tells_of_the_folder_of_a_model() -> None:
    result = CliRunner().invoke(app, ["model", "info", str(tiny_model_folder())])
    assert result.exit_code == 0
    assert "Whole model, folder of diffusers" in result.stdout
    assert "v_prediction" in result.stdout
    found = json.loads(CliRunner().invoke(app, ["model", "info", str(tiny_model_folder()), "--json"]).stdout)
    assert (found["kind"], SD15.value in found["model_types"]) == ("folder", True)
