"""All problems are found at once, and each says what to do."""

import json
import math
import os
import struct
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from onetrainer_web.config.checks import machine, support
from onetrainer_web.config.checks.rates import USUAL_RATES
from onetrainer_web.config.enums import Optimizer, TrainingMethod
from onetrainer_web.config.families import MODEL_TYPES
from onetrainer_web.config.fields import known_values
from onetrainer_web.config.files import config_of_run, parse_request, read_config_file
from onetrainer_web.config.hub import downloaded
from onetrainer_web.config.layer_filters import UnknownLayerPresetError, layer_filter_of
from onetrainer_web.config.optimizer_tables import with_defaults
from onetrainer_web.config.presets import preset_names, read_preset
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.config.validation import CHECKS, ValidationReport, for_another_trainer, validate
from onetrainer_web.dataset.buckets import parse_resolution
from onetrainer_web.errors import InvalidConfigError

CONCEPT = {"path": "pictures", "seed": 1}
BASE: dict[str, Any] = {"concepts": [CONCEPT], "base_model_name": "tiny", "learning_rate": 1e-4}


def _report(changes: dict[str, Any], workspace: Path | None = None, *, deep: bool = False) -> ValidationReport:
    read = parse_request(BASE | changes)
    return validate(read.config, workspace, notes=read.notes, deep=deep)


def test_a_sound_configuration_has_no_issues() -> None:
    assert _report({}) == ValidationReport(valid=True, errors=[], warnings=[], issues=[])


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"model_type": "qwen", "training_method": "EMBEDDING"}, "training_method", "method_not_offered"),
        ({"batch_size": 0}, "batch_size", "clamped"),
        ({"epochs": "many"}, "epochs", "invalid_value"),
        ({"output_model_format": "DIFFUSERS"}, "output_model_format", "format_not_offered"),
        (
            {"output_model_format": "KOHYA_LORA", "output_model_destination": "out/lora.ckpt"},
            "output_model_destination",
            "path_format_mismatch",
        ),
        (
            {
                "training_method": "FINE_TUNE",
                "output_model_format": "DIFFUSERS",
                "output_model_destination": "a.safetensors",
            },
            "output_model_destination",
            "path_format_mismatch",
        ),
        (
            {"training_method": "EMBEDDING", "embedding": {"placeholder": ""}},
            "embedding.placeholder",
            "placeholder_missing",
        ),
        ({"additional_embeddings": [{}, {}]}, "additional_embeddings.1.placeholder", "placeholder_taken"),
        (
            {"additional_embeddings": [{"placeholder": "a", "uuid": "x"}, {"placeholder": "b", "uuid": "X"}]},
            "additional_embeddings.1.uuid",
            "uuid_taken",
        ),
        ({"save_filename_prefix": "../mine"}, "save_filename_prefix", "prefix_is_path"),
        ({"resolution": "big"}, "resolution", "resolution_unreadable"),
        ({"resolution": "8," * 1000 + "8"}, "resolution", "resolution_unreadable"),
        ({"resolution": "512x512", "aspect_ratio_bucketing": False}, "resolution", "resolution_needs_buckets"),
        ({"unet": {"train": False}, "text_encoder": {"train": False}}, "unet.train", "nothing_trained"),
        (
            {"training_method": "FINE_TUNE", "unet": {"weight_dtype": "NFLOAT_4"}},
            "unet.weight_dtype",
            "dtype_not_trainable",
        ),
        ({"mse_strength": 0}, "mse_strength", "no_loss"),
        ({"huber_strength": 1, "huber_delta": 0}, "huber_delta", "huber_delta_zero"),
        ({"loss_weight_fn": "SIGMA"}, "loss_weight_fn", "loss_weight_mismatch"),
        ({"model_type": "sd3", "loss_weight_fn": "P2"}, "loss_weight_fn", "loss_weight_mismatch"),
        ({"min_noising_strength": 0.5, "max_noising_strength": 0.5}, "min_noising_strength", "noise_range_empty"),
        ({"timestep_shift": 0}, "timestep_shift", "shift_zero"),
        (
            {"force_epsilon_prediction": True, "force_v_prediction": True},
            "force_epsilon_prediction",
            "prediction_conflict",
        ),
        (
            {"optimizer": {"optimizer": "SGD_8BIT", "momentum": 0}},
            "optimizer.momentum",
            "momentum_missing",
        ),
        ({"optimizer": {"optimizer": "SCHEDULE_FREE_SGD"}}, "optimizer.momentum", "momentum_missing"),
        (
            {"optimizer": {"fused_back_pass": True}, "gradient_accumulation_steps": 2},
            "optimizer.fused_back_pass",
            "fused_with_accumulation",
        ),
        (
            {
                "train_device": "cpu",
                "multi_gpu": True,
                "device_indexes": "0,1",
                "keep_effective_batch": True,
                "gradient_accumulation_steps": 3,
            },
            "gradient_accumulation_steps",
            "batch_not_divided",
        ),
        ({"learning_rate_scheduler": "CUSTOM"}, "custom_learning_rate_scheduler", "schedule_class_missing"),
        ({"learning_rate_scheduler": "ADAFACTOR"}, "learning_rate_scheduler", "schedule_mismatch"),
        ({"lora_alpha": 0}, "lora_alpha", "adapter_without_effect"),
        ({"dropout_probability": 1}, "dropout_probability", "adapter_without_effect"),
        ({"layer_filter": "attn(", "layer_filter_regex": True}, "layer_filter", "pattern_invalid"),
        (
            {"training_method": "FINE_TUNE", "concepts": [CONCEPT, CONCEPT | {"type": "PRIOR_PREDICTION"}]},
            "concepts.1.type",
            "prior_needs_lora",
        ),
        ({"mse_strength": "inf"}, "mse_strength", "infinite"),
        ({"concepts": [CONCEPT | {"balancing": "inf"}]}, "concepts.0.balancing", "infinite"),
    ],
)
def test_errors_are_found(changes: dict[str, Any], path: str, code: str) -> None:
    report = _report(changes)
    assert (path, code, "error") in [(issue.path, issue.code, issue.severity) for issue in report.issues]
    assert not report.valid


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        (
            {"train_device": "cpu", "train_dtype": "FLOAT_16", "unet": {"weight_dtype": "BFLOAT_16"}},
            "train_dtype",
            "computed_in_float32",
        ),
        ({"train_device": "gpu"}, "train_device", "device_unknown"),
        ({"train_device": "cuda:first"}, "train_device", "device_unknown"),
        ({"model_type": "hi_dream_full", "training_method": "EMBEDDING"}, "training_method", "not_trained_yet"),
        (
            {
                "model_type": "SANA",
                "training_method": "LORA",
                "output_model_format": "COMFY_LORA",
            },
            "output_model_format",
            "format_read_by_few",
        ),
        (
            {"model_type": "SANA", "training_method": "FINE_TUNE", "output_model_format": "SAFETENSORS"},
            "output_model_format",
            "format_is_a_folder",
        ),
        (
            {"model_type": "FLUX_DEV_1", "peft_type": "OFT_2", "output_model_format": "COMFY_LORA"},
            "output_model_format",
            "format_joins_layers",
        ),
        ({"train_dtype": "FLOAT_8"}, "train_dtype", "choice_not_available"),
        ({"concepts": []}, "concepts", "no_concept"),
        ({"concepts": [CONCEPT | {"enabled": False}]}, "concepts", "no_concept"),
        ({"concepts": [{"seed": 1}]}, "concepts.0.path", "concept_path_missing"),
        ({"base_model_name": ""}, "base_model_name", "base_model_missing"),
        ({"resolution": "500"}, "resolution", "resolution_not_multiple"),
        ({"nonsense": 1}, "nonsense", "unknown_key"),
        ({"base_model_name": "a/b", "learning_rate": 0.01}, "learning_rate", "rate_high"),
        ({"learning_rate": 1e-7}, "learning_rate", "rate_low"),
        ({"learning_rate": 0}, "learning_rate", "rate_zero"),
        (
            {
                "training_method": "FINE_TUNE",
                "output_model_format": "DIFFUSERS",
                "masked_training": True,
                "masked_prior_preservation_weight": 0.5,
            },
            "masked_prior_preservation_weight",
            "prior_needs_lora",
        ),
        ({"optimizer": {"optimizer": "PRODIGY"}}, "learning_rate", "rate_low"),
        ({"base_model_name": "a/b", "unet": {"learning_rate": 1}}, "unet.learning_rate", "rate_high"),
        ({"optimizer": {"optimizer": "SGD", "beta1": 0.9}}, "optimizer.beta1", "optimizer_ignores"),
        (
            {"optimizer": {"optimizer": "SCHEDULE_FREE_ADAMW"}, "learning_rate_scheduler": "COSINE"},
            "learning_rate_scheduler",
            "optimizer_ignores",
        ),
        (
            {"training_method": "FINE_TUNE", "learning_rate": 1e-5, "unet": {"weight_dtype": "FLOAT_16"}},
            "unet.weight_dtype",
            "dtype_too_coarse",
        ),
        (
            {"training_method": "FINE_TUNE", "unet": {"offload_fraction": 0.5}},
            "unet.offload_fraction",
            "offload_without_effect",
        ),
        (
            {
                "training_method": "FINE_TUNE",
                "unet": {"weight_dtype": "BFLOAT_16"},
                "optimizer": {"optimizer": "ADAMW", "stochastic_rounding": False},
            },
            "unet.weight_dtype",
            "dtype_too_coarse",
        ),
        (
            {"lora_weight_dtype": "BFLOAT_16", "optimizer": {"optimizer": "SGD"}},
            "lora_weight_dtype",
            "dtype_too_coarse",
        ),
        ({"concepts": [CONCEPT | {"balancing": 0}]}, "concepts.0", "concept_without_effect"),
        ({"validation": True}, "validation", "no_validation_concept"),
        ({"samples": [{"width": 500}]}, "samples.0.width", "sample_not_multiple"),
        (
            {"optimizer": {"optimizer": "CAME", "use_cautious": True, "stochastic_rounding": True}},
            "optimizer.use_cautious",
            "no_effect",
        ),
        ({"keep_best": True}, "keep_best", "validation_off"),
        ({"early_stopping_patience": 3}, "early_stopping_patience", "validation_off"),
        ({"save_every": 0, "save_every_unit": "STEP"}, "save_every", "interval_never"),
        ({"backup_after": 10, "backup_after_unit": "EPOCH", "epochs": 5}, "backup_after", "interval_never"),
        (
            {"sample_after_unit": "EPOCH", "sample_skip_first": 5, "epochs": 5},
            "sample_skip_first",
            "interval_never",
        ),
        ({"sample_after_unit": "ALWAYS"}, "sample_after_unit", "interval_always"),
        (
            {"unet": {"stop_training_after": 0, "stop_training_after_unit": "STEP"}},
            "unet.stop_training_after",
            "stops_at_once",
        ),
        ({"unet": {"weight_dtype": "GGUF_A8_INT"}}, "unet.weight_dtype", "choice_not_available"),
        ({"unet": {"weight_dtype": "INT_W8A8"}}, "unet.weight_dtype", "multiplied_in_full"),
        ({"tensorboard_expose": True}, "tensorboard_expose", "no_effect"),
        ({"temp_device": "cuda"}, "temp_device", "no_effect"),
        ({"samples": [{"text_encoder_4_layer_skip": 1}]}, "samples.0.text_encoder_4_layer_skip", "no_effect"),
    ],
)
def test_doubtful_settings_are_warned_about(changes: dict[str, Any], path: str, code: str) -> None:
    report = _report(changes)
    assert (path, code, "warning") in [(issue.path, issue.code, issue.severity) for issue in report.issues]
    assert report.valid


@pytest.mark.parametrize(
    ("changes", "patterns", "codes"),
    [
        ({}, (), []),
        ({"layer_filter_preset": "attn-only"}, ("attn",), []),
        ({"layer_filter": "ff, to_q ,"}, ("ff", "to_q"), []),
        ({"layer_filter": "ff", "layer_filter_preset": "attn-only"}, ("ff",), []),
        ({"layer_filter": "ff", "layer_filter_preset": "of another program"}, ("ff",), []),
        ({"layer_filter_preset": "custom"}, (), []),
        ({"layer_filter_preset": "nonsense"}, None, ["layer_preset_unknown"]),
    ],
)
def test_layers_are_chosen_by_patterns_or_else_by_the_name_of_a_preset(
    changes: dict[str, Any], patterns: tuple[str, ...] | None, codes: list[str]
) -> None:
    for settings in (changes, {"quantization": changes}):
        report = _report(settings)
        assert [issue.code for issue in report.issues if issue.severity == "error"] == codes
    read = parse_request(changes).config
    if patterns is None:
        with pytest.raises(UnknownLayerPresetError, match="attn-only"):
            layer_filter_of(read, read.model_type)
    else:
        assert layer_filter_of(read, read.model_type).patterns == patterns
        written = config_of_run(parse_request({**changes, "quantization": changes}).config)
        for settings in (written, written["quantization"]):  # OneTrainer looks at the patterns alone
            assert [text.strip() for text in settings["layer_filter"].split(",") if text.strip()] == [*patterns]


def test_settings_of_other_models_and_methods_are_left_alone() -> None:
    unused = {"transformer": {"offload_fraction": 0.5}, "masked_prior_preservation_weight": 0.5, "oft_block_size": 8}
    assert _report(unused).issues == []


def test_the_example_of_the_contract_is_valid_and_warns_in_its_words() -> None:
    assert validate(parse_request({"model_type": "stable_diffusion", "learning_rate": 0.0001}).config).valid
    report = validate(parse_request({"model_type": "stable_diffusion", "learning_rate": 0.01}).config)
    assert report.valid
    assert any(sentence.startswith("Learning rate is higher than recommended") for sentence in report.warnings)


def test_all_problems_are_told_at_once_and_each_only_once() -> None:
    report = _report({"resolution": "500,500", "lora_alpha": 0, "mse_strength": 0, "debug_mode": True})
    assert [issue.code for issue in report.issues] == [
        "resolution_not_multiple",
        "no_loss",
        "adapter_without_effect",
        "no_effect",
    ]
    assert (len(report.errors), len(report.warnings)) == (2, 2)


def test_every_message_is_a_sentence() -> None:
    report = _report({"resolution": "x", "lora_alpha": 0, "base_model_name": "", "epochs": "y", "nonsense": 1})
    assert all(issue.message[-1] in ".?" for issue in report.issues)


def test_our_presets_have_no_errors_and_demos_not_even_warnings() -> None:
    for name in preset_names():
        read = read_preset(name)
        report = validate(read.config, notes=read.notes)
        assert report.valid, name
        assert not name.startswith("demo") or not report.warnings, name


def test_the_presets_of_the_reference_have_no_errors(reference_folder: Path) -> None:
    for path in sorted((reference_folder / "presets").rglob("*.json")):
        read = read_config_file(path)
        report = validate(read.config, notes=read.notes)
        assert report.valid, (path.name, report.errors)


def test_every_method_has_usual_rates_with_a_source() -> None:
    assert set(USUAL_RATES) == set(TrainingMethod)
    assert all(usual.low < usual.high and usual.source for usual in USUAL_RATES.values())


def test_a_start_refuses_what_plain_checking_only_warns_about(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"model_type": "hi_dream_full", "training_method": "EMBEDDING", "concepts": []}
    changes["base_model_name"] = "models/none.safetensors"
    plain, deep = _report(changes, tmp_path), _report(changes, tmp_path, deep=True)
    assert plain.valid
    assert set(deep.errors) <= set(plain.warnings)
    assert [issue.code for issue in deep.issues if issue.severity == "error"] == [
        "not_trained_yet",
        "base_model_missing",
        "no_concept",
    ]


@pytest.mark.parametrize("name", ["models/x.safetensors", "./x", "~/x", "x", "a/b/c", "C:\\models\\x.ckpt"])
def test_a_base_model_that_can_only_be_a_file_must_exist(tmp_path: Path, name: str) -> None:
    assert [issue.code for issue in _report({"base_model_name": name}, tmp_path).issues] == ["base_model_missing"]


@pytest.mark.parametrize("name", ["tiny", "owner/name"])
def test_other_base_models_may_be_elsewhere(tmp_path: Path, name: str) -> None:
    assert _report({"base_model_name": name}, tmp_path, deep=True).issues == []


def test_an_address_is_no_base_model_of_our_trainer(tmp_path: Path) -> None:
    report = _report({"base_model_name": "https://host/model.safetensors"}, tmp_path, deep=True)
    assert [issue.code for issue in report.issues] == ["choice_not_available"]
    assert for_another_trainer(report).valid


def test_offline_a_model_of_the_hub_must_have_been_downloaded(tmp_path: Path) -> None:
    changes = {"base_model_name": "owner/name", "offline_mode": True, "huggingface_cache_dir": "hub"}
    report = _report(changes, tmp_path, deep=True)
    assert [(issue.code, issue.severity) for issue in report.issues] == [("base_model_missing", "error")]
    assert _report(changes | {"offline_mode": False}, tmp_path, deep=True).issues == []
    (tmp_path / "hub" / "models--owner--name" / "snapshots" / "0123").mkdir(parents=True)
    assert _report(changes, tmp_path, deep=True).issues == []


@pytest.mark.parametrize(
    ("variables", "cache"),
    [
        ({"HF_HUB_CACHE": "{}/a"}, "a"),
        ({"HF_HOME": "{}/b"}, "b/hub"),
        ({"XDG_CACHE_HOME": "{}/c"}, "c/huggingface/hub"),
        ({"HOME": "{}/d"}, "d/.cache/huggingface/hub"),
    ],
)
def test_downloads_are_looked_for_where_the_libraries_keep_them(
    variables: dict[str, str], cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    repository = tmp_path / cache / "models--owner--name"
    assert downloaded("owner/name") is None
    for state in ("0123", "4567"):
        (repository / "snapshots" / state).mkdir(parents=True)
        os.utime(repository / "snapshots" / state, (9, int(state)))
    assert downloaded("owner/name") == repository / "snapshots" / "4567"
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123")
    assert downloaded("owner/name") == repository / "snapshots" / "0123"
    assert downloaded("model.safetensors") is None


def test_the_deep_check_opens_the_base_model(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    sound = struct.pack("<Q", len(header)) + header + bytes(4)
    model = tmp_path / "model.safetensors"
    changes = {"base_model_name": "model.safetensors"}
    for content, is_sound in (
        (sound, True),
        (sound[:-1], False),
        (b"no model", False),
        (b"", False),
        (sound[:9], False),
    ):
        model.write_bytes(content)
        assert _report(changes, tmp_path, deep=True).valid == is_sound, content
        assert _report(changes, tmp_path).issues == []


def test_the_deep_check_wants_a_model_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    assert not _report({"base_model_name": "./model"}, tmp_path, deep=True).valid
    (tmp_path / "model" / "model_index.json").write_text("{}")
    assert _report({"base_model_name": "./model"}, tmp_path, deep=True).valid


def test_a_part_from_elsewhere_must_exist(tmp_path: Path) -> None:
    changes = {"vae": {"model_name": "models/vae.safetensors"}}
    report = _report(changes, tmp_path)
    assert [(issue.path, issue.code) for issue in report.issues] == [("vae.model_name", "part_model_missing")]
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "vae.safetensors").write_bytes(b"no model")
    assert _report(changes, tmp_path).issues == []
    assert not _report(changes, tmp_path, deep=True).valid
    assert _report({"vae": {"model_name": "owner/name"}}, tmp_path, deep=True).issues == []


def test_nothing_is_said_of_a_method_that_nobody_chose() -> None:
    report = _report({"__version": 11, "training_method": "SLIDER", "model_type": "ANIMA", "learning_rate": 1e-3})
    assert [issue.path for issue in report.issues] == ["training_method"]


def test_a_rate_without_an_upper_limit_is_said_in_words() -> None:
    (message,) = _report({"learning_rate": 1e-9}).warnings
    assert "1e-05 or more is usual" in message


def test_the_trainer_and_the_checks_read_resolutions_alike() -> None:
    for text in ("512", "512, 768", "1024 x 768", " 1024X768 ", "0", "a", "512x", "1x2x3", "99999", ",", ""):
        try:
            expected = bool(parse_resolution(text))
        except InvalidConfigError:
            expected = False
        assert _report({"resolution": text}).valid == expected, text


def test_choices_of_two_parts_are_told_apart() -> None:
    changes = {"unet": {"weight_dtype": "INT_W8A8"}, "text_encoder": {"weight_dtype": "INT_W8A8"}}
    warnings = _report(changes).warnings
    assert len(set(warnings)) == len(warnings) == 2


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"lora_model_name": "loras/mine.safetensors"}, "lora_model_name"),
        ({"lora_model_name": "owner/name"}, "lora_model_name"),
        (
            {"training_method": "EMBEDDING", "learning_rate": 5e-3, "embedding": {"model_name": "a.safetensors"}},
            "embedding.model_name",
        ),
        ({"additional_embeddings": [{"model_name": "a.safetensors"}]}, "additional_embeddings.0.model_name"),
    ],
)
def test_what_a_run_starts_from_must_exist(changes: dict[str, Any], path: str, tmp_path: Path) -> None:
    report = _report(changes, tmp_path, deep=True)
    assert [(issue.path, issue.code, issue.severity) for issue in report.issues] == [
        (path, "start_file_missing", "error")
    ]


def test_every_model_type_and_method_can_be_checked(tmp_path: Path) -> None:
    for model_type, known in MODEL_TYPES.items():
        for method, formats in known.formats.items():
            for written in (*formats, "SAFETENSORS"):
                settings = {"model_type": model_type, "training_method": method, "output_model_format": written}
                assert _report(settings, tmp_path, deep=True).issues is not None, settings


def test_an_adapter_of_another_kind_or_rank_is_told_from_its_header(tmp_path: Path) -> None:
    layer = "lora_unet_mid_block_attentions_0_proj_in"
    down, both = (
        {f"{layer}.lora_down.weight": (4, 8)},
        {f"{layer}.lora_{name}.weight": (4, 4) for name in ("down", "up")},
    )
    dora, lokr = {f"{layer}.lora_A.weight": (4, 8), f"{layer}.dora_scale": (8, 1)}, {f"{layer}.lokr_w1": (4, 8)}
    encoder = {"lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (4, 8)}
    strange = {"lora_unet_double_blocks_0_img_attn_proj.lora_down.weight": (4, 8), "a.weight": (1, 1)}
    cases: list[tuple[dict[str, tuple[int, ...]], dict[str, Any], str | None]] = [
        ({**both, **encoder, "bundle_emb.<word>.clip_l": (1, 8)}, {"lora_rank": 4}, None),
        (down, {"lora_rank": 8}, "has the rank 4, not 8"),
        (down, {"peft_type": "LOHA"}, "holds a LoRA, not a LoHa"),
        ({f"{layer}.hada_w1_b": (4, 8)}, {"peft_type": "LOHA", "lora_rank": 16}, "has the rank 4"),
        (dora, {"lora_rank": 4}, "holds a DoRA"),
        ({"conv.weight": (4, 8)}, {}, "holds no adapter"),
        ({**lokr, f"{layer}.dora_scale": (1, 8)}, {"peft_type": "LOKR", "lokr_weight_decompose": True}, None),
        ({}, {}, "holds no tensors"),
        (
            {**down, **strange},
            {"lora_rank": 4},
            "is for another model: 2 of 3 keys belong to no layer of Stable Diffusion 1.5",
        ),
        (
            {**both, **strange},
            {"lora_rank": 4},
            "(1 of lora_unet_double_blocks_#_img_attn_proj, 1 of a.weight): they will",
        ),
    ]
    base = tmp_path / "base.safetensors"
    base.write_bytes(_header_of({"to_q.weight": (8, 4), "to_k.weight": (4, 8), "conv.weight": (8, 3, 3, 3)}))
    wide, loha = {f"{layer}.lora_down.weight": (4, 9)}, {"peft_type": "LOHA", "lora_rank": 4}
    cases += [
        (
            {**wide, **encoder},
            {"lora_rank": 4},
            "a model of another size: the base model has no layer such as lora_unet",
        ),
        ({f"{layer}.hada_w1_b": (4, 27)}, loha, None),  # each place of a kernel of 3x3
        ({f"{layer}.hada_w1_b": (4, 26)}, loha, f"{layer} with 26 inputs"),
    ]
    for shapes, changes, expected in cases:
        path = tmp_path / "start.safetensors"
        path.write_bytes(_header_of(shapes))
        start = {"lora_model_name": str(path), "base_model_name": str(base)}
        report = _report({**start, **changes}, tmp_path, deep=True)
        found = [issue.message for issue in report.issues if issue.path == "lora_model_name"]
        assert [expected in message if expected else message for message in found] == [True] * bool(expected), found


def test_an_embedding_of_another_model_is_told_from_its_header(tmp_path: Path) -> None:
    sdxl = {"model_type": "STABLE_DIFFUSION_XL_10_BASE"}
    cases: list[tuple[list[str], dict[str, Any], str | None]] = [
        (["emb_params"], {}, None),
        (["clip_l", "clip_l_out"], {}, None),
        (["clip_l"], {"model_type": "STABLE_DIFFUSION_21"}, None),
        (["<word>"], sdxl, None),
        (["text_encoders_0", "text_encoders_1"], sdxl, None),
        (["clip_l", "clip_g"], sdxl, None),
        (["clip_g"], {}, "holds vectors for clip_g, none of which Stable Diffusion 1.5 has"),
        (
            ["clip_l", "clip_g"],
            {},
            "holds vectors for clip_g, which Stable Diffusion 1.5 has not: they will be missing",
        ),
        (["clip_l"], sdxl, "holds none for clip_g: these start anew"),
    ]
    for names, changes, expected in cases:
        path = tmp_path / "start.safetensors"
        path.write_bytes(_header_of(dict.fromkeys(names, (2, 8))))
        embedding = {"training_method": "EMBEDDING", "embedding": {"model_name": str(path)}}
        report = _report({**embedding, **changes}, tmp_path, deep=True)
        found = [issue.message for issue in report.issues if issue.path == "embedding.model_name"]
        assert [expected in message if expected else message for message in found] == [True] * bool(expected), found


def _header_of(shapes: dict[str, tuple[int, ...]]) -> bytes:
    """A file of tensors whose numbers have a byte each."""
    entries: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + math.prod(shape)
        entries[name] = {"dtype": "F8_E4M3", "shape": shape, "data_offsets": [start, end]}
    header = json.dumps(entries).encode()
    return len(header).to_bytes(8, "little") + header + bytes(end)


def test_a_picture_is_no_part_of_a_model(tmp_path: Path) -> None:
    (tmp_path / "vae.png").write_bytes(b"x")
    report = _report({"vae": {"model_name": "vae.png"}}, tmp_path, deep=True)
    assert "is no model" in next(issue.message for issue in report.issues if issue.path == "vae.model_name")


def test_a_folder_may_take_a_single_file(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert _report({"output_model_destination": "out"}, tmp_path).issues == []


def test_an_existing_result_is_protected_when_asked(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    as_folder = {"training_method": "FINE_TUNE", "learning_rate": 1e-5, "output_model_format": "DIFFUSERS"}
    for destination in (
        {"output_model_destination": "a.safetensors"},
        {"output_model_destination": "folder", **as_folder},
    ):
        assert _report(destination, tmp_path, deep=True).valid
        found = _report(destination | {"prevent_overwrites": True}, tmp_path).issues
        assert [issue.code for issue in found] == ["output_exists"]


def test_a_default_output_path_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / TrainConfig().output_model_destination).write_bytes(b"")
    assert _report({"prevent_overwrites": True}, tmp_path, deep=True).valid


def test_a_disk_too_small_for_the_backups_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "unet.safetensors").write_bytes(bytes(1000))
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _folder: type("Usage", (), {"free": 10_000}))
    changes = {
        "training_method": "FINE_TUNE",
        "learning_rate": 1e-5,
        "base_model_name": "./big",
        "epochs": 10,
        "backup_after": 1,
        "backup_after_unit": "EPOCH",
    }
    assert [issue.code for issue in _report(changes, tmp_path).issues] == ["disk_too_small"]
    assert _report(changes | {"rolling_backup": True, "rolling_backup_count": 2}, tmp_path).issues == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"backup_after_unit": "NEVER", "backup_before_save": False}, 0),
        ({"backup_after_unit": "NEVER"}, 1),
        ({"backup_after": 2, "backup_after_unit": "EPOCH", "epochs": 10}, 5),
        ({"backup_after": 1, "backup_after_unit": "EPOCH", "epochs": 10, "rolling_backup": True}, 4),
        ({"backup_after": 30, "backup_after_unit": "MINUTE"}, 2),
        ({"backup_after": 100, "backup_after_unit": "STEP"}, 11),
    ],
)
def test_backups_are_counted_from_the_configuration(changes: dict[str, Any], expected: int) -> None:
    assert machine.num_backups(TrainConfig.model_validate(changes), 1000) == expected


@pytest.mark.parametrize("name", ["a\x00b", "~nobody/x", "x" * 5000, "./" + "y/" * 3000])
@pytest.mark.parametrize("deep", [False, True])
def test_no_check_stops_at_strange_values(tmp_path: Path, name: str, deep: bool) -> None:
    strange = {
        "resolution": ",x,,0x0,١٢",
        "layer_filter": "(?P<" + "a" * 1000,
        "layer_filter_regex": True,
        "epochs": 2**53 - 1,
        "batch_size": 2**53 - 1,
        "base_model_name": name,
        "lora_model_name": name,
        "output_model_destination": name,
        "prevent_overwrites": True,
        "learning_rate_warmup_steps": "inf",
        "concepts": [{"path": name, "balancing": "inf"}],
    }
    assert _report(strange, tmp_path, deep=deep).errors


def test_no_check_stands_twice_in_the_table() -> None:
    assert len(CHECKS) == len(set(CHECKS))


def test_an_optimizer_without_its_library_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def has_nothing(package: str) -> str:
        raise PackageNotFoundError(package)

    config = TrainConfig.model_validate({"optimizer": {"optimizer": "ADAMW_8BIT"}})
    assert "library_missing" not in {issue.code for issue in validate(config, tmp_path, deep=True).issues}
    monkeypatch.setattr(support, "version", has_nothing)
    found = [issue for issue in validate(config, tmp_path, deep=True).issues if issue.code == "library_missing"]
    assert [(issue.path, issue.severity) for issue in found] == [("optimizer.optimizer", "error")]
    assert "pip install bitsandbytes" in found[0].message
    assert "library_missing" not in {issue.code for issue in validate(config).issues}


@pytest.mark.parametrize("optimizer", sorted(known_values()["optimizer.optimizer"]))
def test_the_defaults_of_an_optimizer_need_no_warning(optimizer: str) -> None:
    config = TrainConfig(optimizer=with_defaults(Optimizer(optimizer)))
    paths = {issue.path for issue in validate(config).issues if issue.code in ("no_effect", "optimizer_ignores")}
    assert not {path for path in paths if path.startswith("optimizer")}
