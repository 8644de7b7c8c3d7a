"""The table of who reads which adapter file, and the defaults that follow from it."""

import itertools

import pytest

from onetrainer_web.config.defaults import starting_values
from onetrainer_web.config.enums import ModelFormat, ModelType, TrainingMethod
from onetrainer_web.config.families import MODEL_TYPES
from onetrainer_web.config.files import parse_config
from onetrainer_web.config.format_readers import model_readers
from onetrainer_web.config.model_facts import ModelFacts
from onetrainer_web.config.output import usual_format
from onetrainer_web.config.presets import preset_names, read_preset
from onetrainer_web.config.readers import AdapterKind, Program, faults_of
from onetrainer_web.config.validation import validate

TRAINED = {name: known for name, known in MODEL_TYPES.items() if TrainingMethod.LORA in known.trained_here}
NO_PARTS = {"hunyuan_video", "lumina_2", "ovis_image", "ideogram"}
"""Families of whose joined layers ComfyUI has no names for the parts."""


@pytest.mark.parametrize("known", TRAINED.values(), ids=TRAINED)
def test_a_row_tells_of_every_format_that_is_written(known: ModelFacts) -> None:
    assert known.readers.keys() == set(known.formats[TrainingMethod.LORA])


@pytest.mark.parametrize(("has_text", "kind"), [*itertools.product((False, True), AdapterKind)])
@pytest.mark.parametrize("known", TRAINED.values(), ids=TRAINED)
def test_comfyui_reads_all_of_a_default(known: ModelFacts, has_text: bool, kind: AdapterKind) -> None:
    usual = known.usual_format(TrainingMethod.LORA, has_text=has_text, kind=kind)
    assert usual not in known.unfit_formats(kind)
    reading = known.readers_of(usual, kind).get(Program.COMFY_UI)
    is_read = kind in (AdapterKind.LORA, AdapterKind.LOHA) or known.family not in NO_PARTS
    if kind is not AdapterKind.OFT and is_read:
        assert reading is None or not reading.fault(has_text=has_text)


@pytest.mark.parametrize(
    ("model_type", "has_text", "expected"),
    [
        (ModelType.STABLE_DIFFUSION_XL_10_BASE, True, "KOHYA_LORA"),
        (ModelType.FLUX_DEV_1, False, "COMFY_LORA"),  # InvokeAI reads it with all layers
        (ModelType.FLUX_DEV_1, True, "KOHYA_LORA"),  # Forge reads its text encoders
        (ModelType.FLUX_2, False, "COMFY_LORA"),
        (ModelType.Z_IMAGE, False, "DIFFUSERS_LORA"),
        (ModelType.QWEN, False, "DIFFUSERS_LORA"),  # InvokeAI does not know the others
        (ModelType.QWEN, True, "COMFY_LORA"),
        (ModelType.HUNYUAN_VIDEO, True, "COMFY_LORA"),
        (ModelType.SANA, True, "DIFFUSERS_LORA"),
    ],
)
def test_the_usual_format_is_what_most_programs_read(model_type: ModelType, has_text: bool, expected: str) -> None:
    found = MODEL_TYPES[model_type].usual_format(TrainingMethod.LORA, has_text=has_text)
    assert found is ModelFormat(expected)


@pytest.mark.parametrize(
    ("model_type", "kind", "expected"),
    [
        (ModelType.FLUX_DEV_1, AdapterKind.LOHA, "COMFY_LORA"),
        (ModelType.FLUX_DEV_1, AdapterKind.DORA, "LEGACY_LORA"),  # OneTrainer reads it, too
        (ModelType.CHROMA_1, AdapterKind.LOKR, "COMFY_LORA"),
        (ModelType.Z_IMAGE, AdapterKind.LOKR, "COMFY_LORA"),
        (ModelType.CHROMA_1, AdapterKind.OFT, "LEGACY_LORA"),
    ],
)
def test_the_usual_format_depends_on_the_kind_of_adapter(
    model_type: ModelType, kind: AdapterKind, expected: str
) -> None:
    assert MODEL_TYPES[model_type].usual_format(TrainingMethod.LORA, kind=kind) is ModelFormat(expected)


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_saved_in_the_usual_format(name: str) -> None:
    config = read_preset(name).config
    assert config.output_model_format is usual_format(config)


def test_faults_are_told_in_words() -> None:
    readings = MODEL_TYPES[ModelType.Z_IMAGE].readers[ModelFormat.KOHYA_LORA]
    assert list(faults_of(readings, has_text=False)) == [
        "ComfyUI drops the attention layers",
        "InvokeAI does not read it",
    ]


TEXT = {"text_encoder": {"train": True}}


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"model_type": "Z_IMAGE", "output_model_format": "KOHYA_LORA"}, "format_read_in_part", "attention"),
        ({"model_type": "PIXART_ALPHA", "output_model_format": "KOHYA_LORA", **TEXT}, "format_read_in_part", "text"),
        (
            {"model_type": "LTX_VIDEO", "output_model_format": "ORIGINAL_LORA", **TEXT},
            "format_without_text",
            "holds no",
        ),
        (
            {"model_type": "LUMINA_2", "peft_type": "LOKR", "output_model_format": "SAFETENSORS"},
            "adapter_read_in_part",
            "LoHa",
        ),
        ({"model_type": "OVIS_IMAGE", "lora_decompose": True}, "adapter_read_in_part", "Train a LoRA or a LoHa"),
        ({"peft_type": "OFT_2", "output_model_format": "KOHYA_LORA"}, "adapter_read_by_few", "OneTrainer"),
        ({"lora_decompose": True, "output_model_format": "DIFFUSERS_LORA"}, "lengths_unread", "diffusers"),
        (
            {"lora_decompose": True, "lora_decompose_output_axis": True, "output_model_format": "KOHYA_LORA"},
            "lengths_by_output",
            "ComfyUI",
        ),
    ],
)
def test_a_file_that_programs_read_in_part_is_told_of(changes: dict[str, object], code: str, words: str) -> None:
    config = parse_config({"training_method": "LORA", **changes}).config
    issues = validate(config).issues
    assert any(issue.code == code and words in issue.message for issue in issues), issues


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"output_model_format": "SAFETENSORS"}, {"part_saved_rounded"}),
        ({"model_type": "FLUX_DEV_1", "output_model_format": "LEGACY_SAFETENSORS"}, {"format_without_text"}),
        ({"model_type": "FLUX_DEV_1", "output_model_format": "DIFFUSERS"}, {"part_saved_rounded"}),
        ({"model_type": "STABLE_CASCADE_1", "output_model_format": "LEGACY_SAFETENSORS"}, {"format_without_text"}),
        (
            {
                "model_type": "STABLE_CASCADE_1",
                "decoder": {"weight_dtype": "INT_8"},
                "output_model_format": "DIFFUSERS",
            },
            set(),
        ),
        ({"output_model_format": "SAFETENSORS", "vae": {"weight_dtype": "BFLOAT_16"}}, set()),
    ],
)
def test_what_a_whole_model_s_file_lacks_or_has_in_few_bits_is_told(
    changes: dict[str, object], codes: set[str]
) -> None:
    config = parse_config({"training_method": "FINE_TUNE", "vae": {"weight_dtype": "INT_8"}, **changes}).config
    found = {issue.code for issue in validate(config).issues}
    assert found & {"part_saved_rounded", "format_without_text"} == codes


@pytest.mark.parametrize("model_type", TRAINED)
def test_nothing_is_said_of_a_default(model_type: ModelType) -> None:
    default = {**starting_values(model_type=model_type), "model_type": model_type.value}
    codes = {issue.code for issue in validate(parse_config(default).config).issues}
    assert not codes & {"format_read_in_part", "format_read_by_few", "lengths_by_output", "format_without_text"}


def test_each_format_says_who_reads_it_and_the_default_comes_first() -> None:
    for model_type, known in MODEL_TYPES.items():
        told = model_readers(ModelType(model_type))
        for has_text, formats in ((False, told.without_text), (True, told.with_text)):
            if formats:
                assert formats[0].format is known.usual_format(TrainingMethod.LORA, has_text=has_text)
                assert {one.format for one in formats} == known.readers.keys()
            assert all(one.short and one.sentence.endswith(".") for one in formats)

    said = {one.format: one for one in model_readers(ModelType.STABLE_DIFFUSION_15).with_text}
    assert said[ModelFormat.COMFY_LORA].short == "ComfyUI"
    assert said[ModelFormat.COMFY_LORA].sentence == (
        "Read whole by ComfyUI; Forge refuses it with a text encoder in it; not read by InvokeAI, sd-scripts."
    )
    assert said[ModelFormat.DIFFUSERS_LORA].short == "ComfyUI in part"
    assert said[ModelFormat.ORIGINAL_LORA].short == "OneTrainer"
    assert said[ModelFormat.ORIGINAL_LORA].sentence == "Read by nothing but OneTrainer and this program."
