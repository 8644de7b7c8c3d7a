"""Every file of OneTrainer is read as OneTrainer reads it, and nothing of it is swallowed."""

import json
from pathlib import Path
from typing import Any

import pytest

from onetrainer_web.config.enums import ModelFormat, ModelType, Optimizer, TimeUnit, TrainingMethod
from onetrainer_web.config.files import (
    config_to_dict,
    parse_config,
    parse_request,
    read_config_file,
    reject_secrets,
    to_plain,
)
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.config.validation import issues_of_notes, validate
from onetrainer_web.errors import ConfigNotFoundError, InvalidConfigError
from onetrainer_web.files.json_files import MAX_BYTES, parse_json


def test_all_presets_of_the_reference_come_out_equal(reference: Any, reference_folder: Path) -> None:
    golden, defaults = reference("golden-presets"), reference("default-config")
    unknown: dict[str, list[str]] = {}
    for name, expected in golden["presets"].items():
        result = read_config_file(reference_folder / "presets" / name)
        assert config_to_dict(result.config) == _laid_over(defaults, expected["resolved_diff_from_default"]), name
        assert result.migrated_from is None
        if result.notes:
            assert {note.code for note in result.notes} == {"unknown_key"}
            unknown[name] = [note.path for note in result.notes]
    assert len(golden["presets"]) == 48
    assert unknown == golden["ignored_unknown_keys"]


def test_all_old_files_of_the_reference_come_out_equal(reference: Any) -> None:
    defaults = reference("default-config")
    cases = [case for case in reference("golden-migrations")["train_config"] if "error" not in case]
    assert len(cases) == 8
    for case in cases:
        result = parse_config(case["input"])
        assert config_to_dict(result.config) == _laid_over(defaults, case["diff_from_default"]), case["name"]
        invalid = [note.path for note in result.notes if note.code in ("invalid_value", "retired_value")]
        assert invalid == [warning.split()[3] for warning in case["warnings"]], case["name"]


def test_old_files_that_stop_the_reference_are_read(reference: Any) -> None:
    cases = [case for case in reference("golden-migrations")["train_config"] if "error" in case]
    assert len(cases) == 4
    for case in cases:
        assert parse_config(case["input"]).notes == [], case["name"]


def test_values_that_the_reference_has_given_up_are_replaced_and_told() -> None:
    cases = {
        ("attention_mechanism", "DEFAULT"): "SDP",
        ("attention_mechanism", "xformers"): "SDP",
        ("output_model_format", "CKPT"): "SAFETENSORS",
        ("model_type", "KANDINSKY_21"): "STABLE_DIFFUSION_15",
    }
    for (key, old), new in cases.items():
        result = parse_config({"__version": 6, key: old})
        assert getattr(result.config, key) == new
        assert [(note.path, note.code) for note in result.notes] == [(key, "retired_value")]
        assert validate(result.config, notes=result.notes).valid, old
    for old, new in (("LION_PRODIGY_ADV", "PRODIGY_ADV"), ("SIMPLIFIED_AdEMAMix", "ADAMW_ADV")):
        result = parse_config({"optimizer": {"optimizer": old}, "optimizer_defaults": {old: {"optimizer": old}}})
        assert result.config.optimizer.optimizer == new
        assert [note.path for note in result.notes] == ["optimizer.optimizer", f"optimizer_defaults.{old}.optimizer"]
    assert parse_config({"model_type": "WUERSTCHEN_3"}).config.model_type == ModelType.STABLE_CASCADE_1
    written = parse_config({"output_model_format": "CKPT", "output_model_destination": "models/cat.CKPT"}).config
    assert written.output_model_destination == "models/cat.safetensors"


def test_a_layout_of_files_that_a_model_never_had_gives_way_to_its_usual_one() -> None:
    for version, written in ((10, "SAFETENSORS"), (11, "LEGACY_LORA")):  # as it was, and as migrating it leaves it
        lora = {"training_method": "LORA", "model_type": "HI_DREAM_FULL", "output_model_format": written}
        result = parse_config({"__version": version, **lora})
        assert result.config.output_model_format == "SAFETENSORS"
        assert [note.code for note in result.notes] == ["retired_value"]
        assert validate(result.config, notes=result.notes).valid


def test_settings_of_the_first_months_are_taken_over() -> None:
    first = {"optimizer": "ADAMW", "weight_decay": 0.3, "extra_model_name": "a.safetensors", "loss_function": "MSE"}
    result = parse_config({**first, "latent_caching_epochs": 1, "unet_train_dtype": None, "training_method": "LORA"})
    assert (result.config.optimizer.weight_decay, result.config.lora_model_name) == (0.3, "a.safetensors")
    assert result.notes == []
    loose = {
        "eps": 1e-6,
        "beta1": "None",
        "momentum": 0.5,
        "betas": {"x": 0.999, "y": 0.999},
        "eps_tuple": [1e-30, 1e-3],
    }
    prefixed = {"optimizer_beta3": "None", "optimizer_eps2": 1e-4}
    result = parse_config({**first, **loose, **prefixed})
    read = result.config.optimizer
    assert (read.eps, read.eps2, read.momentum, result.notes) == (1e-6, 1e-4, 0.5, [])
    result = parse_config({**first, "betas": [0.9, 0.99], "training_method": "EMBEDDING"})
    assert ["optimizer.beta1" in note.message for note in result.notes] == [True]
    result = parse_config({**first, "training_method": "EMBEDDING"})
    assert result.config.embedding.model_name == "a.safetensors"
    both = parse_config({"weight_decay": 0.3, "latent_caching_epochs": 4, "optimizer": {"weight_decay": 0.1}})
    assert [note.message for note in both.notes] == [
        "weight_decay is known no longer and is ignored, because optimizer.weight_decay says otherwise.",
        "latent_caching_epochs is known no longer and is ignored. Each concept says its own: set image_variations and "
        "text_variations there.",
    ]


def test_retired_keys_say_nothing_at_rest_and_where_they_went_otherwise() -> None:
    at_rest = {
        "align_prop": False,
        "align_prop_probability": 0.1,
        "circular_mask_generation": False,
        "oft_coft": False,
        "coft_eps": 1e-4,
        "sequential_model_setup": False,
        "embeddings": [{"token_count": 1, "weight_dtype": "FLOAT_32", "train": True}],
        "optimizer": {"cautious_mask": False, "k_warmup_steps": None, "optimizer": "ADAMW", "muon_adam_config": None},
        "concepts": [{"path": "a", "text": {"tag_dropout_mode": "NONE", "tag_dropout_enable": True}}],
        "samples": [{"prior_attention_mask": False}],
    }
    result = parse_config({"__version": 3, **at_rest})
    assert result.notes == []
    assert result.config.concepts
    assert not result.config.concepts[0].text.tag_dropout_enable
    used = {
        "align_prop": True,
        "align_prop_loss": "HPS",
        "random_rotate_and_crop": True,
        "quantization_layer_filter": "a",
    }
    result = parse_config({"__version": 9, **used, "optimizer": {"kappa_p": 1.0}})
    told = {note.path: note.message for note in result.notes}
    assert told.keys() == {"align_prop", "random_rotate_and_crop", "optimizer.kappa_p"}
    assert "enable_random_mask_rotate_crop" in told["random_rotate_and_crop"]
    assert result.config.quantization.layer_filter == "a"


def test_embedding_settings_of_early_versions_are_taken_over() -> None:
    flat = {"token_count": 8, "initial_embedding_text": "a man", "embedding_model_names": ["e.safetensors", "f.pt"]}
    result = parse_config({"__version": 1, **flat})
    embedding = result.config.embedding
    assert (embedding.token_count, embedding.initial_embedding_text) == (8, "a man")
    assert embedding.model_name == "e.safetensors"
    assert ["additional_embeddings" in note.message for note in result.notes] == [True]
    listed = {"embeddings": [{"token_count": 3, "weight_dtype": "BFLOAT_16"}]}
    config = parse_config({"__version": 2, **listed}).config
    assert (config.embedding.token_count, config.embedding_weight_dtype) == (3, "BFLOAT_16")


@pytest.mark.parametrize("version", [{"__version": 10}, {"__version": 11}, {}])
def test_common_settings_reach_the_parts_of_a_file_that_has_no_part_objects(version: dict[str, int]) -> None:
    offloading = {"gradient_checkpointing": "CPU_OFFLOADED", "layer_offload_fraction": 0.7}
    result = parse_config(
        {"model_type": "FLUX_DEV_1", "transformer": {"offload_fraction": 0.5}, **offloading, **version}
    )
    assert (result.notes, result.config.transformer.offload_fraction) == ([], 0.5)
    config = parse_config({"model_type": "FLUX_DEV_1", **offloading, **version}).config
    for part in (config.transformer, config.text_encoder, config.text_encoder_2, config.vae):
        assert (part.offload_fraction, part.activation_offloading, part.gradient_checkpointing) == (0.7, True, True)
    off = parse_config({"__version": 0, "gradient_checkpointing": False, "train_unet": True}).config
    assert not off.text_encoder.gradient_checkpointing
    dtypes = parse_config({"__version": 9, "weight_dtype": "BFLOAT_16"}).config
    assert (dtypes.unet.weight_dtype, dtypes.text_encoder.weight_dtype) == ("BFLOAT_16", "BFLOAT_16")
    assert dtypes.vae.weight_dtype == "FLOAT_32"
    (note,) = parse_config({"__version": 10, "layer_offload_fraction": 0.7}).notes
    assert "unet.offload_fraction" in note.message


def test_names_are_suggested_only_where_that_helps() -> None:
    told = {"learning_rat": "Did you mean learning_rate?", "crop_jitter": "", "coft": "", "layer_offload": ""}
    told |= {"enable_random_flip": "It belongs elsewhere: concepts.image.enable_random_flip."}
    for note in parse_config(dict.fromkeys(told, 1)).notes:
        assert note.message.partition("is ignored.")[2].strip() == told[note.path]


def test_a_note_on_a_value_that_is_refused_says_what_to_do() -> None:
    for data in ({"epochs": 0}, {"epochs": "many"}, {"model_type": "FLUX_9"}):
        result = parse_config(data)
        (error,) = issues_of_notes(result.notes)
        assert error.severity == "error"
        assert "Correct it" in error.message


def test_all_old_concepts_of_the_reference_come_out_equal(reference: Any) -> None:
    default = reference("default-concept")
    for case in reference("golden-migrations")["concept_config"]:
        result = parse_config({"concepts": [case["input"]]})
        assert result.config.concepts
        expected = default | {"seed": case["input"]["seed"]} | case["diff_from_default"]
        assert to_plain(result.config.concepts[0]) == expected


def test_the_flat_keys_of_version_0_find_their_places() -> None:
    result = parse_config(
        {
            "training_method": "LORA",
            "optimizer": "ADAMW_8BIT",
            "optimizer_weight_decay": 0.02,
            "train_unet": True,
            "train_unet_epochs": 7,
            "unet_learning_rate": 0.0001,
            "train_text_encoder": False,
            "weight_dtype": "BFLOAT_16",
            "gradient_checkpointing": False,
            "min_snr_gamma": 5.0,
            "noising_weight": 1.0,
            "noising_bias": 0.75,
            "save_after": 3,
            "lora_layers": "attn",
            "output_model_format": "SAFETENSORS",
        }
    )
    config = result.config
    assert result.migrated_from == 0
    assert result.notes == []
    assert config.optimizer.optimizer == Optimizer.ADAMW_8BIT
    assert config.optimizer.weight_decay == 0.02
    assert config.optimizer_defaults["ADAMW_8BIT"] == config.optimizer
    assert (config.unet.stop_training_after, config.unet.stop_training_after_unit) == (7, TimeUnit.EPOCH)
    assert config.unet.weight_dtype == config.text_encoder.weight_dtype == "BFLOAT_16"
    assert not config.unet.gradient_checkpointing
    assert not config.text_encoder.train
    assert (config.loss_weight_fn, config.loss_weight_strength) == ("MIN_SNR_GAMMA", 5)
    assert (config.timestep_distribution, config.noising_bias) == ("SIGMOID", 0.25)
    assert (config.save_every, config.layer_filter) == (3, "attn")
    assert config.output_model_format == ModelFormat.LEGACY_LORA


@pytest.mark.parametrize(
    ("data", "version"),
    [
        ({"learning_rate": 1e-4}, None),
        ({"weight_dtype": "BFLOAT_16", "unet": {"train": True}}, None),
        ({"weight_dtype": "BFLOAT_16", "unet": {"weight_dtype": "NONE"}}, 9),
        ({"optimizer": "ADAMW"}, 0),
        ({"optimizer": {"optimizer": "ADAMW"}}, None),
        ({"optimizer_defaults": {}}, None),
        ({"train_prior": True}, 1),
        ({"min_snr_gamma": 5}, 2),
        ({"gradient_checkpointing": True}, 4),
        ({"save_after_unit": "EPOCH"}, 5),
        ({"lora_layers": "attn"}, 6),
        ({"enable_async_offloading": False}, 10),
        ({"__version": 11, "gradient_checkpointing": "ON"}, 10),
    ],
)
def test_a_file_without_version_is_read_as_the_version_it_shows(data: dict[str, Any], version: int | None) -> None:
    assert parse_config(data).migrated_from == version


def test_a_bundled_preset_is_never_migrated() -> None:
    result = parse_config({"gradient_checkpointing": "ON"}, filename="#my preset.json")
    assert result.migrated_from is None
    assert [note.code for note in result.notes] == ["unknown_key"]


def test_the_last_session_of_the_reference_is_migrated() -> None:
    assert parse_config({"__version": 10, "gradient_checkpointing": "ON"}, filename="#.json").migrated_from == 10


def test_everything_that_does_not_fit_becomes_a_note() -> None:
    result = parse_config(
        {
            "learning_rat": 1,
            "epochs": "many",
            "batch_size": 0,
            "ema_decay": 3,
            "lora_rank": 8.5,
            "ema": None,
            "unet": {"trian": True, "weight_dtype": "FLOAT_7"},
            "concepts": [{"path": "a"}, "b", {"image": {"enable_crop_jitter": "perhaps"}}],
            "vae": 5,
        }
    )
    notes = {note.path: note.code for note in result.notes}
    assert notes == {
        "learning_rat": "unknown_key",
        "epochs": "invalid_value",
        "batch_size": "clamped",
        "ema_decay": "clamped",
        "lora_rank": "rounded",
        "ema": "null",
        "unet.trian": "unknown_key",
        "unet.weight_dtype": "invalid_value",
        "concepts.1": "invalid_value",
        "concepts.2.image.enable_crop_jitter": "invalid_value",
        "vae": "invalid_value",
    }
    config = result.config
    assert (config.epochs, config.batch_size, config.ema_decay, config.lora_rank) == (100, 1, 1, 8)
    assert config.concepts
    assert len(config.concepts) == 2
    assert "Did you mean learning_rate?" in result.notes[0].message or any(
        "Did you mean learning_rate?" in note.message for note in result.notes
    )


def test_notes_on_a_flood_of_unknown_keys_are_summed_up() -> None:
    notes = parse_config({f"key_{number}": number for number in range(5000)}).notes
    assert len(notes) == 201
    assert "4800 more" in notes[-1].message


@pytest.mark.parametrize("data", [{"concepts": [1] * 20_000}, {f"key_{number}": 1 for number in range(20_000)}])
def test_another_kind_of_file_is_refused_instead_of_mended(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigError, match="not a configuration"):
        parse_config(data)


def test_a_version_may_be_written_as_text() -> None:
    assert parse_config({"__version": "9", "epochs": 3}).migrated_from == 9
    assert [note.code for note in parse_config({"__version": True}).notes] == ["unknown_version"]


def test_a_concept_of_a_newer_version_is_read_with_a_note() -> None:
    result = parse_config({"concepts": [{"__version": 3, "path": "a"}]})
    assert [(note.path, note.code) for note in result.notes] == [("concepts.0.__version", "unknown_version")]


def test_a_key_that_presets_still_carry_is_explained() -> None:
    (note,) = parse_config({"weight_dtype": "BFLOAT_16"}, filename="#mine.json").notes
    assert "unet.weight_dtype" in note.message
    assert "Did you mean" not in note.message


def test_of_many_names_the_similar_ones_are_told() -> None:
    (note,) = parse_config({"model_type": "STABLE_DIFUSION_15"}).notes
    assert f"one of {len(ModelType)} names, such as STABLE_DIFFUSION_15, " in note.message
    assert "Z_IMAGE" not in note.message


def test_a_name_that_begins_like_a_known_one_tells_it() -> None:
    (note,) = parse_config({"model_type": "QWEN_IMAGE_EDIT"}).notes
    assert "such as QWEN. " in note.message


def test_where_no_name_is_similar_all_are_told() -> None:
    (note,) = parse_config({"model_type": "zzz"}).notes
    assert all(name in note.message for name in ModelType)


def test_a_newer_file_is_read_with_a_note() -> None:
    result = parse_config({"__version": 12, "epochs": 3})
    assert result.config.epochs == 3
    assert [note.code for note in result.notes] == ["unknown_version"]


def test_secrets_in_a_file_are_dropped_with_a_note() -> None:
    result = parse_config({"secrets": {"huggingface_token": "hf_secret"}})
    assert [note.code for note in result.notes] == ["secret_dropped"]
    assert "hf_secret" not in result.model_dump_json()


def test_empty_secrets_as_the_reference_writes_them_are_no_secret(reference: Any) -> None:
    reject_secrets({"secrets": reference("default-secrets")})
    assert parse_config({"secrets": reference("default-secrets")}).notes == []


@pytest.mark.parametrize("secrets", [{"huggingface_token": "hf_x"}, {"cloud": {"password": "p"}}, {"new": ["x"]}, "x"])
def test_a_secret_in_a_request_is_refused(secrets: Any) -> None:
    with pytest.raises(InvalidConfigError, match="PUT /api/secrets"):
        parse_request({"secrets": secrets})


@pytest.mark.parametrize(
    "data",
    [{"huggingface_token": "hf_x"}, {"cloud": {"api_key": "hf_x"}}, {"secrets": {"cloud": {"password": "root"}}}],
)
def test_a_secret_in_the_wrong_place_is_refused_too(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigError, match="PUT /api/secrets") as caught:
        parse_request(data)
    assert "hf_x" not in str(caught.value)
    (note, *_) = parse_config(data).notes
    assert note.code == "secret_dropped"
    assert "hf_x" not in note.message


def test_concepts_and_samples_are_read_from_their_files_beside(tmp_path: Path) -> None:
    (tmp_path / "training_configs").mkdir()
    (tmp_path / "training_concepts").mkdir()
    (tmp_path / "training_concepts" / "concepts.json").write_text('[{"path": "a", "repeats": 2}]')
    (tmp_path / "training_configs" / "samples.json").write_text('[{"prompt": "b"}]')
    path = tmp_path / "training_configs" / "mine.json"
    path.write_text('{"__version": 11, "concepts": null, "samples": null}')
    config = read_config_file(path).config
    assert config.concepts
    assert config.samples
    assert (config.concepts[0].path, config.concepts[0].balancing) == ("a", 2)
    assert config.samples[0].prompt == "b"


def test_the_configuration_of_a_backup_is_found_in_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "2024-backup-1-0-1" / "onetrainer_config"
    folder.mkdir(parents=True)
    (folder / "args.json").write_text('{"__version": 11, "epochs": 7}')
    (folder / "concepts.json").write_text('[{"path": "a", "seed": 1}]')
    config = read_config_file(folder.parent).config
    assert read_config_file(folder / "args.json").config.concepts == read_config_file(folder).config.concepts
    assert config.epochs == 7
    assert config.concepts
    assert config.concepts[0].path == "a"


def test_the_concepts_of_a_backup_are_its_own_and_not_what_they_have_become(tmp_path: Path) -> None:
    today = tmp_path / "today.json"
    today.write_text('[{"path": "changed since"}]')
    folder = tmp_path / "onetrainer_config"
    folder.mkdir()
    (folder / "args.json").write_text(json.dumps({"__version": 11, "concept_file_name": str(today)}))
    (folder / "concepts.json").write_text('[{"path": "as it was"}]')
    assert [concept.path for concept in read_config_file(tmp_path).config.concepts or ()] == ["as it was"]


def test_side_files_are_found_by_the_names_that_windows_writes(tmp_path: Path) -> None:
    (tmp_path / "concepts").mkdir()
    (tmp_path / "concepts" / "mine.json").write_text('[{"path": "a"}]')
    (tmp_path / "a.json").write_text(json.dumps({"concept_file_name": "concepts\\mine.json"}))
    assert read_config_file(tmp_path / "a.json").config.concepts


@pytest.mark.parametrize("name", ["training_concepts/mine.json", "x" * 5000, "a\x00b"])
def test_a_missing_concepts_file_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"__version": 11, "concepts": None, "concept_file_name": name}))
    assert [note.code for note in read_config_file(tmp_path / "a.json").notes] == ["file_missing"]


def test_side_files_that_may_not_be_read_stay_closed(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "mine.json").write_text('[{"path": "a"}]')
    (tmp_path / "a.json").write_text('{"concept_file_name": "private/mine.json"}')
    result = read_config_file(tmp_path / "a.json", lambda path: path.parent.name != "private")
    assert result.config.concepts is None
    assert [note.code for note in result.notes] == ["file_unreadable"]


@pytest.mark.parametrize("content", ["{", "{}", '{"a": 1}'])
def test_a_broken_concepts_file_becomes_a_note(tmp_path: Path, content: str) -> None:
    (tmp_path / "concepts.json").write_text(content)
    (tmp_path / "mine.json").write_text("{}")
    result = read_config_file(tmp_path / "mine.json")
    assert [note.code for note in result.notes] == ["file_unreadable"]


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '"a"', "3", "\ufeff[]", "{1: 2}", "NaN", '{"a": NaN}', "\x00", '{"a": "\\ud800"}']
)
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidConfigError):
        read_config_file(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigNotFoundError, match="nothing"):
        read_config_file(tmp_path / "nothing.json")


def test_files_that_are_too_large_or_too_deep_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_text(json.dumps({"save_filename_prefix": "x" * MAX_BYTES}))
    with pytest.raises(InvalidConfigError, match="5 MiB"):
        read_config_file(path)
    deep: Any = {}
    for _ in range(40):
        deep = {"concept_stats": deep}
    with pytest.raises(InvalidConfigError, match="deeply"):
        parse_config(deep)
    with pytest.raises(InvalidConfigError, match="deeply"):
        parse_json("[" * 200_000)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(b'\xef\xbb\xbf{"epochs": 3}')
    assert read_config_file(path).config.epochs == 3


def test_the_given_data_stays_as_it_is() -> None:
    data = {"optimizer": "ADAMW", "concepts": [{"repeats": 2}], "epochs": "x"}
    before = json.dumps(data)
    parse_config(data)
    assert json.dumps(data) == before


def test_a_partial_request_starts_from_our_values() -> None:
    config = parse_request({"model_type": "stable_diffusion", "learning_rate": 0.0001}).config
    assert config.model_type == ModelType.STABLE_DIFFUSION_15
    assert config.training_method == TrainingMethod.LORA
    assert config.output_model_format == ModelFormat.KOHYA_LORA


@pytest.mark.parametrize("value", ["fast", None])
def test_a_value_of_a_request_that_does_not_fit_gives_way_to_our_starting_value(value: object) -> None:
    read = parse_request({"learning_rate": value, "resolution": []})
    assert (read.config.learning_rate, read.config.resolution) == (1e-4, "512")
    assert [note.path for note in read.notes] == ["learning_rate", "resolution"]


def test_a_request_for_another_method_gets_what_fits_it() -> None:
    config = parse_request({"training_method": "full", "model_type": "sdxl", "unet": {"train": True}}).config
    assert config.training_method == TrainingMethod.FINE_TUNE
    assert config.learning_rate == 1e-5
    assert config.output_model_format == ModelFormat.ORIGINAL_SINGLE_FILE
    assert config.resolution == "1024"


def test_a_complete_file_in_a_request_keeps_the_defaults_of_the_reference() -> None:
    assert parse_request({"__version": 11}).config == TrainConfig()
    assert parse_request({"min_snr_gamma": 5}).config.training_method == TrainingMethod.FINE_TUNE


def _laid_over(defaults: dict[str, Any], difference: dict[str, Any]) -> dict[str, Any]:
    """The complete configuration that a difference from the defaults stands for, without secrets."""
    result = {key: value for key, value in defaults.items() if key != "secrets"}
    for key, value in difference.items():
        is_object = isinstance(value, dict) and key != "optimizer_defaults"
        result[key] = {**result[key], **value} if is_object else value
    return result
